/// What a run takes, by arithmetic on its configuration.
package dev.graft.plan;
