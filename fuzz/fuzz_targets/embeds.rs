//! Embeds of labels, headlines and markup: flattened and read, each field where it was put.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roms_fuzz::embeds::Made;

fuzz_target!(|embed: Made| embed.check());
