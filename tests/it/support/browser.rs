//! A real browser: Debian's chromium, driven by its chromedriver. Without both, tests of the page are skipped, unless
//! `ROMS_REQUIRE_BROWSER` is set.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{ParseError, Url};

use super::app::{soon, until_ok};

/// Browsers that run at the same time; each needs most of a processor.
const MAX_BROWSERS: usize = 2;
/// The size of a desktop window and of a phone, in CSS pixels.
pub(crate) const DESKTOP: (u32, u32) = (1360, 900);
pub(crate) const PHONE: (u32, u32) = (390, 844);

/// A running browser with one tab.
pub(crate) struct Browser {
    pub(crate) client: Client,
    base: String,
    _driver: Driver,
    _permit: SemaphorePermit<'static>,
}

/// The process of chromedriver, which starts the browser in its process group.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status());
        drop(self.0.wait());
    }
}

fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let runs = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
    *INSTALLED.get_or_init(|| runs("chromedriver") && runs("chromium"))
}

/// Starts chromedriver on a free port; `None` if it ends at once.
async fn start_driver() -> Option<(Driver, String)> {
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let driver = Driver(child);
    let port = tokio::task::spawn_blocking(move || {
        let mut lines = output.lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Keep reading: chromedriver would block on a full pipe.
        thread::spawn(move || lines.for_each(drop));
        port
    });
    let port = soon(port).await.unwrap()?;
    Some((driver, port))
}

impl Browser {
    /// Starts a browser for a server at this address, `http://HOST:PORT`. `None` if no browser is installed.
    pub(crate) async fn start(base: &str) -> Option<Self> {
        static FREE: Semaphore = Semaphore::const_new(MAX_BROWSERS);
        if !is_installed() {
            assert!(
                std::env::var_os("ROMS_REQUIRE_BROWSER").is_none(),
                "install chromium and chromium-driver"
            );
            #[expect(clippy::print_stderr, reason = "tells why the test did nothing")]
            {
                eprintln!("skipped: chromium and chromium-driver are not installed");
            }
            return None;
        }
        let permit = FREE.acquire().await.unwrap();
        // On a busy machine, chromedriver may find that its port has just been taken.
        let mut started = None;
        for _ in 0..5 {
            if started.is_none() {
                started = start_driver().await;
            }
        }
        let (driver, port) = started.expect("chromedriver starts");
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US",
                "--force-device-scale-factor=1", "--hide-scrollbars",
            ],
        });
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 30_000},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let browser = Self { client, base: base.to_owned(), _driver: driver, _permit: permit };
        browser.resize(DESKTOP).await;
        Some(browser)
    }

    /// Sets the size of the page.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Pretends that the system prefers dark or light.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Calls a method of the Chrome `DevTools` protocol.
    pub(crate) async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let body = json!({"cmd": method, "params": parameters});
        self.client.issue_cmd(Extra { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// Follows a path of the server, or a whole URL.
    pub(crate) async fn goto(&self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        soon(self.client.goto(&url)).await.unwrap();
    }

    /// The path and query that the address bar shows.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Runs a script and returns its result.
    pub(crate) async fn js(&self, script: &str) -> Value {
        soon(self.client.execute(script, Vec::new())).await.unwrap()
    }

    /// Waits until an expression of the page is true.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return !!({expression})");
        let ask = async || match self.client.execute(&script, Vec::new()).await {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(_) => Err(self.visible_text().await),
            Err(error) => Err(error.to_string()),
        };
        until_ok(expression, ask).await;
    }

    async fn visible_text(&self) -> String {
        let text = self.client.execute("return document.body.innerText", Vec::new()).await;
        text.map_or_else(|error| error.to_string(), |text| text.as_str().unwrap_or_default().to_owned())
    }

    /// The first element, once there is one.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let find = async || self.client.find(Locator::Css(css)).await;
        until_ok::<Element, CmdError>(css, find).await
    }

    pub(crate) async fn click(&self, css: &str) {
        let click = async || self.client.find(Locator::Css(css)).await?.click().await;
        until_ok::<(), CmdError>(css, click).await;
    }

    /// Replaces the text of a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys in the page, outside of fields.
    pub(crate) async fn press(&self, keys: &str) {
        self.find("body").await.send_keys(keys).await.unwrap();
    }

    /// The text of each element.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let script =
            format!("return [...document.querySelectorAll({css:?})].map((it) => it.innerText.trim())");
        let texts = self.js(&script).await;
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// The order numbers of the rows, from top to bottom.
    pub(crate) async fn numbers(&self) -> Vec<String> {
        let numbers = self
            .js("return [...document.querySelectorAll('#rows > tr')].map((it) => it.dataset.number)")
            .await;
        numbers.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the rows have these order numbers, from top to bottom.
    pub(crate) async fn until_numbers(&self, expected: &[&str]) {
        let ask = async || {
            let numbers = self.numbers().await;
            if numbers == expected { Ok(()) } else { Err(numbers) }
        };
        until_ok(&format!("rows {expected:?}"), ask).await;
    }

    /// Waits until live updates are connected.
    pub(crate) async fn until_live(&self) {
        self.until("document.querySelector('#light')?.dataset.state === 'live'").await;
    }

    /// Errors of the console since the last call: of scripts, and reports about CSP and Trusted Types.
    pub(crate) async fn errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extra { path: "se/log", body: json!({"type": "browser"}) }).await;
        let is_error = |entry: &&Value| entry["level"] == "SEVERE" || entry["source"] == "security";
        let log = log.unwrap();
        log.as_array().unwrap().iter().filter(is_error).map(|entry| entry["message"].to_string()).collect()
    }

    /// Serious violations that axe-core finds on the page.
    pub(crate) async fn accessibility_faults(&self) -> Vec<String> {
        const AXE: &str = include_str!("../../fixtures/axe/axe.min.js");
        // The page's own policy forbids scripts of others; the driver's are exempt.
        self.js(AXE).await;
        let script = "const done = arguments[arguments.length - 1];
            axe.run({resultTypes: ['violations']}).then((result) => done(result.violations
                .filter((it) => ['serious', 'critical'].includes(it.impact))
                .flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html} ${node.failureSummary}`))), (error) => done([String(error)]))";
        let faults = soon(self.client.execute_async(script, Vec::new())).await.unwrap();
        faults.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
    }

    /// A picture of the page. With `ROMS_SCREENSHOTS`, it is also saved in that folder.
    pub(crate) async fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("ROMS_SCREENSHOTS") else { return };
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
    }

    /// Presses a key that has no letter.
    pub(crate) async fn press_key(&self, key: Key) {
        self.press(&char::from(key).to_string()).await;
    }
}

/// A command that only chromedriver has.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
