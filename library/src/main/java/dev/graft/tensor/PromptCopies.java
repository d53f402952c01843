package dev.graft.tensor;

/// Copies that are made when they are asked for, so that nothing has to wait.
final class PromptCopies implements CopyQueue {
    @Override
    public void follow() {}

    @Override
    public void send(Tensor from, Tensor to) {
        to.sendInPlace(from);
    }

    @Override
    public void mark(int number) {}

    @Override
    public void await(int number) {}

    @Override
    public void finish() {}

    @Override
    public void close() {}
}
