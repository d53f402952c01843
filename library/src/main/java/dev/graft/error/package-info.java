/// The few errors that reach a user, each with the exit code of the command line.
package dev.graft.error;
