/// What a training step is made of: time, arithmetic and bytes of each operation and native call.
package dev.graft.profile;
