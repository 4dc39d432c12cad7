//! The double of Discord, seen by the real serenity and by plain HTTP.

mod bot;
mod faults;
mod gateway;
mod interactions;
mod payloads;
mod rest;
mod shapes;
