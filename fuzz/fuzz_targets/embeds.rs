//! Flattens and parses embeds made of labels, headings and markup.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roms_fuzz::embeds::Made;

fuzz_target!(|embed: Made| embed.check());
