using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>
/// Serves this node's snapshots to nodes that join: manifests and chunks, straight from the files. What is costly, the
/// hashes of all chunks, is worked out once a snapshot. Any thread.
/// </summary>
/// <param name="store">The blocks.</param>
/// <param name="snapshots">Null for an application that has none.</param>
internal sealed class SnapshotServer(BlockStore store, ISnapshotSource? snapshots)
{
    private const int PackagesMax = 2; // a peer may still be fetching the one before

    private readonly Lock gate = new();
    private readonly SortedDictionary<Height, Package> packages = [];
    private (Height Trusted, Height Height, byte[] Bytes)? lastManifest;

    /// <summary>Answers who asks for a manifest or for a chunk.</summary>
    /// <param name="frame">The request.</param>
    /// <param name="send">Sends to the asker; false when it has no more room or credit, then it asks again.</param>
    /// <param name="isServed">False when nothing could be given: it counts as a request for nothing.</param>
    public DisconnectReason Serve(in Frame frame, Func<Frame, bool> send, out bool isServed)
    {
        isServed = false;
        if (frame.Type == FrameType.SnapshotRequest)
        {
            if (!PeerMessages.TryDecodeHeight(frame.Payload, out Height trusted))
            {
                return DisconnectReason.MalformedMessage;
            }

            byte[]? manifest = ManifestFor(trusted);
            isServed = manifest is not null;
            send(new Frame(FrameType.SnapshotManifest, manifest ?? SnapshotManifest.EncodeNone()));
            return DisconnectReason.None;
        }

        if (!SnapshotMessages.TryDecodeChunkRequest(frame.Payload, out Height height, out int number))
        {
            return DisconnectReason.MalformedMessage;
        }

        isServed = ReadChunk(height, number) is { } bytes && send(SnapshotMessages.Chunk(height, number, bytes));
        return DisconnectReason.None;
    }

    /// <summary>The manifest of the newest snapshot that leads to a trusted block; null when there is none.</summary>
    public byte[]? ManifestFor(Height trusted)
    {
        Height last = store.Height;
        foreach (Height height in snapshots?.SnapshotHeights.Reverse() ?? [])
        {
            bool isUsable = height >= store.First && height.Value + 2 <= last.Value
                && (trusted > height
                    ? trusted <= last && trusted.Value - height.Value <= SnapshotManifest.HeadersMax
                    : trusted >= store.First && trusted > Height.Genesis);
            if (!isUsable)
            {
                continue;
            }

            lock (gate)
            {
                if (lastManifest is { } known && known.Trusted == trusted && known.Height == height)
                {
                    return known.Bytes;
                }

                if (PackageOf(height) is { } package && Describe(package, trusted) is { } manifest)
                {
                    lastManifest = (trusted, height, manifest.Encode());
                    return lastManifest.Value.Bytes;
                }
            }
        }

        return null;
    }

    private SnapshotManifest? Describe(Package package, Height trusted)
    {
        Height following = package.Height.Next;
        bool isBelow = trusted > package.Height;
        var headers = new List<BlockHeader>();
        for (Height height = isBelow ? following : trusted; height <= trusted; height = height.Next)
        {
            if (ReadBlock(height) is not { } block)
            {
                return null; // pruned meanwhile
            }

            headers.Add(block.Header);
        }

        Commit? commit = null;
        if (!isBelow)
        {
            if (ReadBlock(following) is not { } above || ReadBlock(following.Next)?.LastCommit is not { } found)
            {
                return null;
            }

            headers.Add(above.Header);
            commit = found; // as the next block carries it: the same on every node
        }

        return new SnapshotManifest
        {
            Height = package.Height,
            Length = package.SnapshotLength + package.Tail.Length,
            TailLength = package.Tail.Length,
            ChunkHashes = package.ChunkHashes,
            Headers = headers,
            Commit = commit,
            Validators = isBelow ? null : package.Validators,
        };
    }

    private byte[]? ReadChunk(Height height, int number)
    {
        Package? package;
        lock (gate)
        {
            package = packages.GetValueOrDefault(height);
        }

        return package is not null && number < package.ChunkHashes.Length / Hash256.Length
            ? Read(package, number)
            : null;
    }

    private Package? PackageOf(Height height)
    {
        if (packages.TryGetValue(height, out Package? known))
        {
            return known;
        }

        long length = snapshots!.SnapshotLength(height);
        if (length is 0 or > StoredSnapshot.BytesMax || ReadBlock(height) is not { } block
            || ReadBlock(height.Next)?.LastCommit is not { } commit
            || snapshots.SnapshotValidators(height) is not { } validators)
        {
            return null;
        }

        byte[] tail = PeerMessages.BlockResponse(block.Encoded.ToArray(), commit.Encode()).Payload.ToArray();
        int count = (int)((length + tail.Length + SnapshotManifest.ChunkBytes - 1) / SnapshotManifest.ChunkBytes);
        var package = new Package(height, length, tail, validators, new byte[count * Hash256.Length]);
        for (int i = 0; i < count; i++)
        {
            if (Read(package, i) is not { } chunk)
            {
                return null;
            }

            Hash256.Of(chunk).CopyTo(package.ChunkHashes.AsSpan(i * Hash256.Length));
        }

        while (packages.Count >= PackagesMax)
        {
            packages.Remove(packages.Keys.First());
        }

        packages.Add(height, package);
        return package;
    }

    private byte[]? Read(Package package, int number)
    {
        long start = (long)number * SnapshotManifest.ChunkBytes;
        long end = Math.Min(start + SnapshotManifest.ChunkBytes, package.SnapshotLength + package.Tail.Length);
        var bytes = new byte[end - start];
        int fromFile = (int)Math.Clamp(package.SnapshotLength - start, 0, bytes.Length);
        if (fromFile > 0 && !snapshots!.TryReadSnapshot(package.Height, start, bytes.AsSpan(0, fromFile)))
        {
            return null; // deleted meanwhile: the peer asks for another one
        }

        int tailAt = (int)Math.Max(0, start - package.SnapshotLength);
        package.Tail.AsSpan(tailAt, bytes.Length - fromFile).CopyTo(bytes.AsSpan(fromFile));
        return bytes;
    }

    private Block? ReadBlock(Height height) =>
        store.TryReadEncoded(height, out byte[] bytes, out _) && Block.TryDecode(bytes, out Block? block)
            ? block
            : null;

    private sealed record Package(
        Height Height, long SnapshotLength, byte[] Tail, ValidatorSet Validators, byte[] ChunkHashes);
}
