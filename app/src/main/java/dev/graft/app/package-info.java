/// The command line: `./graft train`, `generate`, `eval`, `merge`, `init`, `doctor`.
package dev.graft.app;
