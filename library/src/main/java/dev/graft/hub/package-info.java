/// Models from a Hugging Face hub, and the cache on disk that they share with every other tool of
/// that hub.
package dev.graft.hub;
