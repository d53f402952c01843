/// Decoder models as data: what `config.json` says, the modules it names, and the pass
/// through them.
package dev.graft.model;
