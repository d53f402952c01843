/// What a run is asked to do: keys of PEFT, TRL and Transformers from YAML and the command line,
/// checked all at once.
package dev.graft.config;
