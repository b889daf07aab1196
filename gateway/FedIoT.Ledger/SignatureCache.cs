using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Ledger;

/// <summary>
/// Bounded memo of signatures that verified, so that a node verifies each one once: in the mempool or in a block.
/// It only saves work; results never depend on it. Thread-safe.
/// </summary>
public sealed class SignatureCache
{
    private readonly Lock gate = new();
    private readonly HashSet<Entry> verified = [];
    private readonly Queue<Entry> order = new();
    private readonly int capacity;

    /// <summary>Creates an empty memo.</summary>
    /// <param name="capacity">Signatures remembered; the oldest is forgotten first. About 150 bytes each.</param>
    public SignatureCache(int capacity = 65_536)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        this.capacity = capacity;
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
        var entry = new Entry(hash, key.Account, key.Algorithm, role);
        lock (gate)
        {
            if (verified.Contains(entry))
            {
                return true;
            }
        }

        if (!message.Verify(key, role))
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

    private readonly record struct Entry(Hash256 Hash, AccountId Key, SignatureAlgorithm Algorithm, string Role);
}
