using System.Security.Cryptography;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>
/// Bounded memo of signatures that verified: a vote comes from several peers, again when the height does not move, and
/// once more inside a commit. It only saves work; results never depend on it. Thread-safe.
/// </summary>
public sealed class VerifiedSignatures
{
    private readonly Lock gate = new();
    private readonly HashSet<Hash256> verified = [];
    private readonly Queue<Hash256> order = new();
    private readonly int capacity;

    /// <summary>Creates an empty memo.</summary>
    /// <param name="capacity">Signatures remembered; the oldest is forgotten first. About 100 bytes each.</param>
    public VerifiedSignatures(int capacity = 16_384)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        this.capacity = capacity;
    }

    /// <summary>True when the key signed the message; only a success is remembered.</summary>
    public bool Verify(VerifyingKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            return false;
        }

        Hash256 entry = EntryOf(key, message, signature);
        lock (gate)
        {
            if (verified.Contains(entry))
            {
                return true;
            }
        }

        if (!key.Verify(message, signature))
        {
            return false;
        }

        lock (gate)
        {
            if (verified.Add(entry))
            {
                order.Enqueue(entry);
                if (order.Count > capacity)
                {
                    verified.Remove(order.Dequeue());
                }
            }
        }

        return true;
    }

    // Signature and account have a fixed length, so that no two triples give the same bytes.
    private static Hash256 EntryOf(VerifyingKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Span<byte> account = stackalloc byte[Hash256.Length];
        key.Account.Value.CopyTo(account);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(account);
        hash.AppendData(signature);
        hash.AppendData(message);
        Span<byte> result = stackalloc byte[Hash256.Length];
        hash.GetHashAndReset(result);
        return new Hash256(result);
    }
}
