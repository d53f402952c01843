package dev.graft.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// The hash that the hub names a file by: SHA-256 of an LFS file, else SHA-1 of
/// `"blob " + size + "\0" + bytes` as git has it. Told apart by their length.
final class BlobHash {
    private static final int SHA256_DIGITS = 64;

    private final RemoteFile file;
    private final MessageDigest digest;

    BlobHash(RemoteFile file) {
        this.file = file;
        this.digest = digest(isLfs() ? "SHA-256" : "SHA-1");
        reset();
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has both
        }
    }

    private boolean isLfs() {
        return file.etag().length() == SHA256_DIGITS;
    }

    void reset() {
        digest.reset();
        if (!isLfs()) {
            digest.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
        }
    }

    void update(byte[] bytes, int count) {
        digest.update(bytes, 0, count);
    }

    /// The hash of everything since the last reset, as hexadecimal digits; begins anew.
    String finish() {
        String hex = HexFormat.of().formatHex(digest.digest());
        reset();
        return hex;
    }
}
