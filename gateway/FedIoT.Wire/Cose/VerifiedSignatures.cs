using System.Security.Cryptography;

namespace FedIoT.Wire.Cose;

/// <summary>
/// Bounded memo of signatures that verified, so that a node verifies each one once: a vote comes from several peers,
/// again when the height does not move, and once more inside a commit; a transaction in the mempool and in a block. It
/// only saves work; results never depend on it. Thread-safe.
/// </summary>
public sealed class VerifiedSignatures
{
    private readonly Lock gate = new();
    private readonly HashSet<Entry> verified = [];
    private readonly Queue<Entry> order = new();
    private readonly int capacity;

    /// <summary>Creates an empty memo.</summary>
    /// <param name="capacity">Signatures remembered; the oldest is forgotten first. About 150 bytes each.</param>
    public VerifiedSignatures(int capacity = 65_536)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        this.capacity = capacity;
    }

    /// <summary>True when the key signed these bytes; only a success is remembered.</summary>
    public bool Verify(VerifyingKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            return false;
        }

        // The signature has a fixed length, so that no two pairs give the same bytes. The role is inside the message.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(signature);
        hash.AppendData(message);
        Span<byte> pair = stackalloc byte[Hash256.Length];
        hash.GetHashAndReset(pair);
        var entry = new Entry(new Hash256(pair), key.Account, key.Algorithm, Role: null);
        if (IsKnown(entry))
        {
            return true;
        }

        bool isValid = key.Verify(message, signature);
        Remember(entry, isValid);
        return isValid;
    }

    /// <summary>True when the key signed the message in this role; only a success is remembered.</summary>
    /// <param name="hash">SHA-256 of the whole encoded message, signature included.</param>
    /// <param name="message">The message.</param>
    /// <param name="key">The registered key.</param>
    /// <param name="role">External data of the signature.</param>
    public bool Verify(Hash256 hash, CoseSign1 message, VerifyingKey key, string role)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(role);
        var entry = new Entry(hash, key.Account, key.Algorithm, role);
        if (IsKnown(entry))
        {
            return true;
        }

        bool isValid = message.Verify(key, role);
        Remember(entry, isValid);
        return isValid;
    }

    private bool IsKnown(Entry entry)
    {
        lock (gate)
        {
            return verified.Contains(entry);
        }
    }

    private void Remember(Entry entry, bool isValid)
    {
        lock (gate)
        {
            if (isValid && verified.Add(entry))
            {
                order.Enqueue(entry);
                if (order.Count > capacity)
                {
                    verified.Remove(order.Dequeue());
                }
            }
        }
    }

    private readonly record struct Entry(Hash256 Hash, AccountId Key, SignatureAlgorithm Algorithm, string? Role);
}
