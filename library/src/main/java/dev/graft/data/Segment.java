package dev.graft.data;

/// A piece of the text of an example and whether it is trained.
public record Segment(String text, boolean trained) {}
