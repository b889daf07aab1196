using System.Security.Cryptography;
using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// Merkle tree hash of RFC 6962 §2.1: leaves are hashed behind a 0 byte, nodes behind a 1 byte, so that neither can
/// pass for the other; an odd node is carried up, never doubled, so that no two lists share a root.
/// </summary>
public static class MerkleTree
{
    /// <summary>Root over the items in their order; the hash of nothing for an empty list.</summary>
    public static Hash256 Root(IReadOnlyList<ReadOnlyMemory<byte>> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0)
        {
            return Hash256.Of([]);
        }

        var level = new Hash256[items.Count];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> digest = stackalloc byte[Hash256.Length];
        for (int i = 0; i < items.Count; i++)
        {
            hash.AppendData([0]);
            hash.AppendData(items[i].Span);
            hash.GetHashAndReset(digest);
            level[i] = new Hash256(digest);
        }

        return Fold(level);
    }

    // RFC 6962 splits at the largest power of two below n; pairing level by level and carrying the odd one up gives
    // the same tree.
    private static Hash256 Fold(Span<Hash256> level)
    {
        Span<byte> node = stackalloc byte[1 + (2 * Hash256.Length)];
        node[0] = 1;
        while (level.Length > 1)
        {
            int parents = level.Length / 2;
            for (int i = 0; i < parents; i++)
            {
                level[2 * i].CopyTo(node[1..]);
                level[(2 * i) + 1].CopyTo(node[(1 + Hash256.Length)..]);
                level[i] = Hash256.Of(node);
            }

            if (level.Length % 2 == 1)
            {
                level[parents++] = level[^1];
            }

            level = level[..parents];
        }

        return level[0];
    }
}
