/// What a run takes, by arithmetic on its configuration, before a weight is read; whether it fits;
/// and what to change where it does not.
package dev.graft.plan;
