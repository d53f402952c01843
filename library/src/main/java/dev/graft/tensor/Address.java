package dev.graft.tensor;

import org.bytedeco.javacpp.Pointer;

/// A pointer to memory that is not the pointer's to free.
final class Address extends Pointer {
    Address(long address) {
        this.address = address;
    }
}
