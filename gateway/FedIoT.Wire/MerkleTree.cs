using System.Security.Cryptography;

namespace FedIoT.Wire;

/// <summary>
/// Merkle tree of RFC 6962 §2.1 over SHA-256: leaf = H(0x00 ‖ data), node = H(0x01 ‖ left ‖ right), split at the
/// largest power of two below the count (so an odd last node moves up unchanged), root of nothing = H().
/// </summary>
public static class MerkleTree
{
    /// <summary>Root of a tree without leaves.</summary>
    public static Hash256 EmptyRoot { get; } = Hash256.Of([]);

    /// <summary>Hash of a leaf.</summary>
    public static Hash256 Leaf(ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0x00]);
        hash.AppendData(data);
        Span<byte> digest = stackalloc byte[Hash256.Length];
        hash.GetHashAndReset(digest);
        return new Hash256(digest);
    }

    /// <summary>Hash of an inner node.</summary>
    public static Hash256 Node(Hash256 left, Hash256 right)
    {
        Span<byte> data = stackalloc byte[1 + (2 * Hash256.Length)];
        data[0] = 0x01;
        left.CopyTo(data[1..]);
        right.CopyTo(data[(1 + Hash256.Length)..]);
        return Hash256.Of(data);
    }

    /// <summary>Root over leaf hashes.</summary>
    public static Hash256 Root(IReadOnlyList<Hash256> leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        if (leaves.Count == 0)
        {
            return EmptyRoot;
        }

        Hash256[] level = [.. leaves];
        while (level.Length > 1)
        {
            level = Parents(level);
        }

        return level[0];
    }

    /// <summary>Root over items that are hashed as leaves here.</summary>
    public static Hash256 DataRoot(IReadOnlyList<ReadOnlyMemory<byte>> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var leaves = new Hash256[items.Count];
        for (int i = 0; i < leaves.Length; i++)
        {
            leaves[i] = Leaf(items[i].Span);
        }

        return Root(leaves);
    }

    /// <summary>What a gateway commits to: the leaves are its signed deltas' hashes, ascending by device.</summary>
    public static Hash256 DeltaRoot(IEnumerable<Hash256> signedDeltaHashes)
    {
        ArgumentNullException.ThrowIfNull(signedDeltaHashes);
        return Root([.. signedDeltaHashes.Select(hash => Leaf(hash.ToArray()))]);
    }

    /// <summary>Path from a leaf to the root.</summary>
    public static InclusionProof Prove(IReadOnlyList<Hash256> leaves, int index)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, leaves.Count);
        var path = new List<Hash256>();
        Hash256[] level = [.. leaves];
        for (int i = index; level.Length > 1; i >>= 1)
        {
            if ((i ^ 1) < level.Length)
            {
                path.Add(level[i ^ 1]);
            }

            level = Parents(level);
        }

        return new InclusionProof(index, leaves.Count, path);
    }

    /// <summary>True when the leaf stands in the tree with this root where the proof says. Nothing throws.</summary>
    public static bool Verify(Hash256 root, Hash256 leaf, InclusionProof proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (proof.Index < 0 || proof.Index >= proof.Count)
        {
            return false;
        }

        Hash256 node = leaf;
        int next = 0;
        int index = proof.Index;
        for (int count = proof.Count; count > 1; count = count - (count >> 1), index >>= 1)
        {
            if ((index ^ 1) >= count)
            {
                continue; // the odd last node moves up unchanged
            }

            if (next == proof.Path.Count)
            {
                return false;
            }

            Hash256 sibling = proof.Path[next];
            next++;
            node = (index & 1) == 0 ? Node(node, sibling) : Node(sibling, node);
        }

        return next == proof.Path.Count && node == root;
    }

    private static Hash256[] Parents(Hash256[] level)
    {
        var parents = new Hash256[(level.Length + 1) / 2];
        for (int i = 0; i < parents.Length; i++)
        {
            parents[i] = (2 * i) + 1 < level.Length ? Node(level[2 * i], level[(2 * i) + 1]) : level[2 * i];
        }

        return parents;
    }
}
