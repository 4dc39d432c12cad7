-- Posts the body in FILE again and again, each time with a new order number in place of @NUMBER@.
-- PREFIX starts every order number. Usage: wrk … -s load.lua URL -- FILE PREFIX

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  parts = {}
  local from = 1
  while true do
    local first, last = body:find("@NUMBER@", from, true)
    if not first then break end
    parts[#parts + 1] = body:sub(from, first - 1)
    from = last + 1
  end
  parts[#parts + 1] = body:sub(from)
  prefix = args[2] .. id .. "-"
  sent = 0
end

function request()
  sent = sent + 1
  local number = prefix .. string.format("%08d", sent)
  return wrk.format("POST", nil, nil, table.concat(parts, number))
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\nRESULT {"answers":%d,"micros":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
