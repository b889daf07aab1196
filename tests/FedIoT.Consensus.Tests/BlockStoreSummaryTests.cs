using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

/// <summary>
/// The files beside closed segments spare reading those at start; with them, without them and with damaged ones a store
/// says the same.
/// </summary>
public sealed class BlockStoreSummaryTests : IDisposable
{
    private const int SegmentBytes = 4_096;

    private readonly string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Guid.NewGuid().ToString("N"));
    private readonly TestChain chain = new(4);
    private readonly List<Block> blocks = [];

    private string[] Summaries => [.. Directory.GetFiles(folder, "*.idx").Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Open_WithSummaries_DoesNotReadClosedSegments()
    {
        Fill(count: 40);
        int closed = Directory.GetFiles(folder, "*.seg").Length - 1;
        Assert.Equal(closed, Summaries.Length);
        using (FileStream segment = File.Open(Path.Combine(folder, "00000002.seg"), FileMode.Open))
        {
            segment.Position = 16; // the length of its first record
            segment.Write([0xFF, 0xFF, 0xFF, 0xFF]);
        }

        using (BlockStore store = Open())
        {
            Assert.Equal(new Height(40), store.Height);
            Assert.Equal(blocks[0].Hash, store.Read(new Height(1)).Block.Hash);
            Assert.Equal(blocks[39].Hash, store.Read(new Height(40)).Block.Hash);
        }

        File.Delete(Path.Combine(folder, "00000002.idx"));
        Assert.Contains("00000002.seg", Assert.Throws<StorageException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithoutSummaries_MakesTheSameOnesAgain()
    {
        Fill(count: 40);
        Dictionary<string, byte[]> before = Summaries.ToDictionary(p => p, File.ReadAllBytes);
        Array.ForEach(Summaries, File.Delete);
        using (BlockStore store = Open())
        {
            Assert.Equal(new Height(40), store.Height);
        }

        Assert.Equal(before.Keys, Summaries);
        Assert.All(before, s => Assert.Equal(s.Value, File.ReadAllBytes(s.Key)));
        Array.ForEach(Summaries, s => File.SetLastWriteTimeUtc(s, DateTime.UnixEpoch));
        AssertWhole(Open);
        Assert.All(Summaries, s => Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(s))); // once is enough
    }

    [Fact]
    public void Open_WithDamagedSummaries_ReadsTheSegmentsInstead()
    {
        Fill(count: 12);
        string path = Summaries[0];
        byte[] right = File.ReadAllBytes(path);
        List<byte[]> wrong = [[], right[..^1], [.. right, 0], new byte[right.Length], [.. right[..8], .. new byte[60]]];
        for (int bit = 0; bit < right.Length * 8; bit += 7)
        {
            byte[] flipped = [.. right];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            wrong.Add(flipped);
        }

        foreach (byte[] bytes in wrong)
        {
            File.WriteAllBytes(path, bytes);
            AssertWhole(Open);
            Assert.Equal(right, File.ReadAllBytes(path)); // made anew
        }
    }

    [Fact]
    public void Open_WithTheSummaryOfAnotherChain_DoesNotBelieveIt()
    {
        Fill(count: 12, content: "y");
        string other = folder + "-other";
        try
        {
            Directory.Move(folder, other);
            blocks.Clear();
            Fill(count: 12, content: "x"); // of the same lengths
            foreach (string path in Directory.GetFiles(other, "*.idx"))
            {
                string here = Path.Combine(folder, Path.GetFileName(path));
                Assert.Equal(new FileInfo(path).Length, new FileInfo(here).Length);
                Assert.NotEqual(File.ReadAllBytes(path), File.ReadAllBytes(here));
                File.Copy(path, here, overwrite: true);
            }

            AssertWhole(Open);
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    public void Summaries_ThatCannotBeWritten_DoNotStopTheStore()
    {
        for (int segment = 1; segment <= 40; segment++)
        {
            Directory.CreateDirectory(Path.Combine(folder, $"{segment:D8}.idx", "in the way"));
        }

        Fill(count: 40);
        AssertWhole(Open);
    }

    [Fact]
    public void DeleteBefore_DeletesTheSummariesToo()
    {
        Fill(count: 60);
        using (BlockStore store = Open())
        {
            store.DeleteBefore(new Height(40));
        }

        Assert.Equal(
            Directory.GetFiles(folder, "*.seg").Select(Path.GetFileNameWithoutExtension).Order().SkipLast(1),
            Summaries.Select(Path.GetFileNameWithoutExtension));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Store_AfterAnyHistory_SaysTheSameWithAndWithoutSummaries(ulong seed)
    {
        var random = new SplitMix64(seed);
        var open = new List<Block>(); // proposals of the next height
        Height first = Height.Genesis;
        BlockStore store = Open();
        try
        {
            for (int step = 0; step < 600; step++)
            {
                switch (random.Next(10))
                {
                    case < 4:
                        open.Add(Propose($"{step}"));
                        Assert.True(random.Next(2) == 0
                            ? store.TryAppendBlock(open[^1])
                            : store.TryAppendLock(new BlockLock(open[^1], Prevotes(open[^1]))));
                        break;
                    case < 8 when open.Count > 0:
                        Block decided = open[random.Next(open.Count)];
                        store.AppendCommit(chain.MakeCommit(decided, 0, 0, 1, 2));
                        blocks.Add(decided);
                        open.Clear();
                        break;
                    case 8 when blocks.Count > 0 && random.Next(4) == 0:
                        store.DeleteBefore(new Height(1 + random.Next(blocks.Count)));
                        break;
                    case 9:
                        first = store.First;
                        bool[] locked = [.. open.Select(b => store.FindLock(b.Hash) is not null)];
                        store.Flush();
                        store.Dispose();
                        foreach (string path in Summaries.Where(_ => random.Next(3) == 0))
                        {
                            File.Delete(path);
                        }

                        store = Open();
                        string where = $"seed {seed}, step {step}";
                        Assert.True(first == store.First, where);
                        Assert.True(locked.SequenceEqual(open.Select(b => store.FindLock(b.Hash) is not null)), where);
                        AssertHolds(store, where);
                        break;
                    default:
                        break;
                }
            }
        }
        finally
        {
            store.Dispose();
        }

        Assert.True(blocks.Count > 80, $"seed {seed}: {blocks.Count} blocks");
    }

    private BlockStore Open() => BlockStore.Open(folder, SegmentBytes);

    private Block Propose(string content) => TestChain.MakeBlock(
        chain.Validators, chain.Account(1), blocks.Count + 1, content, blocks.Count == 0 ? null : blocks[^1]);

    private SignedVote[] Prevotes(Block block) => [.. Enumerable.Range(0, 3).Select(
        i => chain.Sign(i, VoteType.Prevote, block.Header.Height.Value, 0, block.Hash))];

    private void Fill(int count, string content = "")
    {
        using BlockStore store = Open();
        for (int i = 0; i < count; i++)
        {
            Block lost = Propose($"lost {content}");
            store.TryAppendLock(new BlockLock(lost, Prevotes(lost)));
            Block won = Propose($"won  {content}");
            store.TryAppendBlock(won);
            store.AppendCommit(chain.MakeCommit(won, 0, 0, 1, 2));
            blocks.Add(won);
        }

        store.Flush();
    }

    private void AssertWhole(Func<BlockStore> open)
    {
        using BlockStore store = open();
        Assert.Equal(Height.Genesis.Next, store.First);
        AssertHolds(store, "reopened");
    }

    private void AssertHolds(BlockStore store, string where)
    {
        Assert.True(store.Height.Value == blocks.Count, $"{where}: height {store.Height}, not {blocks.Count}");
        for (Height height = store.First; height.Value >= 1 && height <= store.Height; height = height.Next)
        {
            (Block block, Commit commit) = store.Read(height);
            Hash256 hash = blocks[(int)height.Value - 1].Hash;
            Assert.True(block.Hash == hash && commit.BlockHash == hash, $"{where}: height {height}");
        }
    }
}
