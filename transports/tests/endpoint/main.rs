//! Both ends of a flow against each other, over wires that do what a test says.

mod audio;
mod fec;
mod laws;
mod perfect;
mod repair;
mod sender;
mod spies;
mod support;
