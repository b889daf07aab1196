using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>
/// Serves this node's snapshots to nodes that join: manifests and chunks, straight from the files. What is costly, the
/// hashes of all chunks, is worked out once a snapshot. What is being served stays open, however fast newer snapshots
/// come. Any thread.
/// </summary>
/// <param name="store">The blocks.</param>
/// <param name="snapshots">Null for an application that has none.</param>
internal sealed class SnapshotServer(BlockStore store, ISnapshotSource? snapshots) : IDisposable
{
    private const int PackagesMax = 2; // the one that was asked for longest ago makes room

    private readonly Lock gate = new();
    private readonly SortedDictionary<Height, Package> packages = [];
    private (Height Trusted, Height Height, byte[] Bytes)? lastManifest;
    private long uses;

    /// <summary>Answers who asks for a manifest or for a chunk.</summary>
    /// <param name="frame">The request.</param>
    /// <param name="charge">Told of the bytes that had to be read for the answer alone: up to 2,048 blocks for a
    /// manifest that nobody asked for before.</param>
    /// <param name="send">Sends to the asker; false when it has no more room or credit, then it asks again.</param>
    /// <param name="isServed">False when nothing could be given: it counts as a request for nothing.</param>
    public DisconnectReason Serve(in Frame frame, Action<long> charge, Func<Frame, bool> send, out bool isServed)
    {
        isServed = false;
        if (frame.Type == FrameType.SnapshotRequest)
        {
            if (!PeerMessages.TryDecodeHeight(frame.Payload, out Height trusted))
            {
                return DisconnectReason.MalformedMessage;
            }

            byte[]? manifest = ManifestFor(trusted, out long bytesRead);
            isServed = manifest is not null;
            send(new Frame(FrameType.SnapshotManifest, manifest ?? SnapshotManifest.EncodeNone()));
            charge(bytesRead);
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
    /// <param name="trusted">The block's height.</param>
    /// <param name="bytesRead">Bytes of blocks that had to be read.</param>
    public byte[]? ManifestFor(Height trusted, out long bytesRead)
    {
        bytesRead = 0;
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

                if (PackageOf(height) is { } package && Describe(package, trusted, ref bytesRead) is { } manifest)
                {
                    lastManifest = (trusted, height, manifest.Encode());
                    return lastManifest.Value.Bytes;
                }
            }
        }

        return null;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            foreach (Package package in packages.Values)
            {
                package.File.Dispose();
            }

            packages.Clear();
        }
    }

    private SnapshotManifest? Describe(Package package, Height trusted, ref long bytesRead)
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

            bytesRead += block.Encoded.Length;
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
            Length = package.File.Length + package.Tail.Length,
            TailLength = package.Tail.Length,
            ChunkHashes = package.ChunkHashes,
            Headers = headers,
            Commit = commit,
            Validators = isBelow ? null : package.Validators,
        };
    }

    private byte[]? ReadChunk(Height height, int number)
    {
        lock (gate)
        {
            if (!packages.TryGetValue(height, out Package? package)
                || number >= package.ChunkHashes.Length / Hash256.Length)
            {
                return null;
            }

            package.LastUse = ++uses;
            return Read(package, number);
        }
    }

    private Package? PackageOf(Height height)
    {
        if (packages.TryGetValue(height, out Package? known))
        {
            known.LastUse = ++uses;
            return known;
        }

        if (ReadBlock(height) is not { } block || ReadBlock(height.Next)?.LastCommit is not { } commit
            || snapshots!.SnapshotValidators(height) is not { } validators
            || snapshots.OpenSnapshot(height) is not { } file)
        {
            return null;
        }

        var package = new Package(
            height, file, PeerMessages.BlockResponse(block.Encoded.ToArray(), commit.Encode()).Payload, validators);
        if (file.Length is 0 or > StoredSnapshot.BytesMax || !TryHash(package))
        {
            file.Dispose();
            return null;
        }

        while (packages.Count >= PackagesMax)
        {
            Package oldest = packages.Values.MinBy(p => p.LastUse)!;
            oldest.File.Dispose();
            packages.Remove(oldest.Height);
        }

        package.LastUse = ++uses;
        packages.Add(height, package);
        return package;
    }

    private static bool TryHash(Package package)
    {
        long length = package.File.Length + package.Tail.Length;
        int count = (int)((length + SnapshotManifest.ChunkBytes - 1) / SnapshotManifest.ChunkBytes);
        package.ChunkHashes = new byte[count * Hash256.Length];
        for (int i = 0; i < count; i++)
        {
            if (Read(package, i) is not { } chunk)
            {
                return false;
            }

            Hash256.Of(chunk).CopyTo(package.ChunkHashes.AsSpan(i * Hash256.Length));
        }

        return true;
    }

    private static byte[]? Read(Package package, int number)
    {
        long start = (long)number * SnapshotManifest.ChunkBytes;
        long end = Math.Min(start + SnapshotManifest.ChunkBytes, package.File.Length + package.Tail.Length);
        var bytes = new byte[end - start];
        int fromFile = (int)Math.Clamp(package.File.Length - start, 0, bytes.Length);
        if (fromFile > 0 && !package.File.TryRead(start, bytes.AsSpan(0, fromFile)))
        {
            return null;
        }

        int tailAt = (int)Math.Max(0, start - package.File.Length);
        package.Tail.Span.Slice(tailAt, bytes.Length - fromFile).CopyTo(bytes.AsSpan(fromFile));
        return bytes;
    }

    private Block? ReadBlock(Height height) =>
        store.TryReadEncoded(height, out byte[] bytes, out _) && Block.TryDecode(bytes, out Block? block)
            ? block
            : null;

    private sealed record Package(
        Height Height, SnapshotFile File, ReadOnlyMemory<byte> Tail, ValidatorSet Validators)
    {
        public byte[] ChunkHashes { get; set; } = [];

        public long LastUse { get; set; }
    }
}
