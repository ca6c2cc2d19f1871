//! What a network does to a packet: a link is queue discipline -> serialiser
//! -> propagation pipe, with loss at a declared place. Pure state machines
//! over logical time, driven alike by the simulator and the live emulator.

pub mod model;
