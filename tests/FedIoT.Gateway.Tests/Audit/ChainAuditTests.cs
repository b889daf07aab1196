using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

public sealed class ChainAuditTests : IDisposable
{
    private readonly AuditFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task Audit_OfAWholeChain_FindsNothingAndSaysWhatItVerified()
    {
        ScriptedChain chain = fixture.Played();
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis, chain.Genesis.Hash);
        Assert.Null(report.Finding);
        Assert.Equal(chain.State.Height, report.Height);
        Assert.Equal(chain.State.StateRoot, report.StateRoot);
        Assert.Equal(12 + 1 + 4 + 16, report.Transactions);
        Assert.Equal(0, report.Refused);
        Assert.True(report.GenesisPinned);
        Assert.Contains("Everything holds", report.ToText(), StringComparison.Ordinal);
        Assert.Contains("\"valid\":true", report.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_LeavesTheDatabaseAsItIs()
    {
        ScriptedChain chain = fixture.Played();
        string segment = Directory.GetFiles(chain.BlocksFolder, "*.seg").Single();
        byte[] before = File.ReadAllBytes(segment);
        File.WriteAllBytes(segment, [.. before, 1, 2, 3]); // a torn end, which a node would cut
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Equal("block store", report.Finding?.What);
        Assert.Equal(chain.State.Height, report.Height); // everything before it was verified
        Assert.Equal(before.Length + 3, new FileInfo(segment).Length);
    }

    [Fact]
    public async Task Audit_AnotherGenesisThanNamed_IsTheFirstFinding()
    {
        ScriptedChain chain = fixture.Played();
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis, Hash256.Of("other"u8));
        Assert.Equal(("genesis hash", Height.Genesis), (report.Finding?.What, report.Height));
        var other = new Genesis(
            ScriptedChain.ChainId, chain.Genesis.Validators, chain.Genesis.Gateways.Skip(1),
            chain.Genesis.Administrators);
        report = await AuditFixture.AuditAsync(chain.Folder, other);
        Assert.Equal("state root after block 0", report.Finding?.What);
    }

    [Fact]
    public async Task Audit_AnyBitOfTheFilesFlipped_IsFound()
    {
        ScriptedChain chain = fixture.Played();
        string segment = Directory.GetFiles(chain.BlocksFolder, "*.seg").Single();
        byte[] bytes = File.ReadAllBytes(segment);
        const ulong Seed = 11;
        var random = new SplitMix64(Seed);
        for (int i = 0; i < 150; i++)
        {
            int offset = i < 30 ? i : random.Next(bytes.Length); // segment header, first record header, anywhere
            byte[] changed = [.. bytes];
            changed[offset] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(segment, changed);
            AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);

            // The oldest segment may follow any other, which retention deleted: its 4 bytes say nothing.
            Assert.True(report.Finding is not null || offset is >= 12 and < 16, $"seed {Seed}, offset {offset}");
        }
    }

    [Fact]
    public async Task Audit_TheFileCutAnywhere_IsFoundUnlessWholeBlocksAreLeft()
    {
        ScriptedChain chain = fixture.Played();
        string segment = Directory.GetFiles(chain.BlocksFolder, "*.seg").Single();
        byte[] bytes = File.ReadAllBytes(segment);
        const ulong Seed = 12;
        var random = new SplitMix64(Seed);
        for (int i = 0; i < 40; i++)
        {
            int length = random.Next(bytes.Length);
            File.WriteAllBytes(segment, bytes[..length]);
            AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
            Assert.True(
                report.Finding is not null || report.Height < chain.State.Height, $"seed {Seed}, length {length}");
        }
    }

    [Theory]
    [InlineData(0, "block")] // a header: its hash is another one
    [InlineData(1, "transactions root")]
    [InlineData(2, "commit")]
    public async Task Audit_AFlippedByteUnderARightChecksum_IsFoundByWhatItBreaks(int part, string what)
    {
        ScriptedChain chain = fixture.Played();
        for (int height = 1; height <= chain.State.Height.Value; height++)
        {
            string copy = fixture.Rewrite(chain, records =>
            {
                byte[] block = records[2 * (height - 1)];
                byte[] commit = records[(2 * height) - 1];
                if (part == 0)
                {
                    block[60] ^= 1;
                }
                else if (part == 1)
                {
                    block[FirstTransaction(block)] ^= 1;
                }
                else
                {
                    commit[^5] ^= 1;
                }
            });
            AuditReport report = await AuditFixture.AuditAsync(copy, chain.Genesis);
            bool isEmpty = chain.States[height].Accounts.Values.Select(a => a.Nonce)
                .SequenceEqual(chain.States[height - 1].Accounts.Values.Select(a => a.Nonce));
            Assert.Equal(height, report.Finding?.Height.Value);
            Assert.True(
                report.Finding!.What.StartsWith(what, StringComparison.Ordinal) || (part == 1 && isEmpty),
                report.Finding.ToString());
        }
    }

    [Fact]
    public async Task Audit_RecordsSwappedMissingOrTwice_FindsTheSequence()
    {
        ScriptedChain chain = fixture.Played();
        var changes = new (string Name, int Height, Action<List<byte[]>> Change)[]
        {
            ("two blocks swapped", 3, r => (r[4], r[6]) = (r[6], r[4])),
            ("two heights swapped", 3, r => (r[4], r[5], r[6], r[7]) = (r[6], r[7], r[4], r[5])),
            ("a height left out", 3, r => r.RemoveRange(4, 2)),
            ("a block left out", 3, r => r.RemoveAt(4)),
            ("a commit left out", 3, r => r.RemoveAt(5)),
            ("the first height left out", 1, r => r.RemoveRange(0, 2)),
            ("a height twice", 4, r => r.InsertRange(6, r.GetRange(4, 2))),
            ("a commit twice", 4, r => r.Insert(6, r[5])),
            ("another kind of record", 4, r => r.Insert(6, [0x00])),
        };
        foreach ((string name, int height, Action<List<byte[]>> change) in changes)
        {
            AuditReport report = await AuditFixture.AuditAsync(fixture.Rewrite(chain, change), chain.Genesis);
            Assert.True(report.Finding?.Height.Value == height, $"{name}: {report.Finding}");
        }
    }

    [Fact]
    public async Task Audit_AnUndecidedProposalBetween_IsNoDamage()
    {
        ScriptedChain chain = fixture.Played();
        ScriptedChain other = fixture.Start("other");
        Block lost = other.AppendLie(h => h with { Time = h.Time + 7 });
        other.Dispose();
        string copy = fixture.Rewrite(chain, r => r.Insert(0, lost.Encoded.ToArray()));
        Assert.Null((await AuditFixture.AuditAsync(copy, chain.Genesis)).Finding);
    }

    [Fact]
    public async Task Audit_TooFewOrForeignSignatures_AreFound()
    {
        ScriptedChain chain = fixture.Played();
        Block.TryDecode(Record(chain, 8), out Block? block);
        var height = new Height(5);
        Commit valid = chain.CommitOf(height, block!.Hash);
        Commit[] wrong =
        [
            chain.CommitOf(height, block.Hash, signers: 2),
            valid with { Signatures = [.. valid.Signatures.Skip(1), valid.Signatures[0]] },
            valid with { Round = 1 },
            valid with { Signatures = [.. valid.Signatures.Select(s => s with { ValidatorIndex = 3 - s.ValidatorIndex })
                .Reverse()] },
        ];
        foreach (Commit commit in wrong)
        {
            string copy = fixture.Rewrite(chain, r => r[9] = commit.Encode());
            AuditReport report = await AuditFixture.AuditAsync(copy, chain.Genesis);
            Assert.Equal((5L, "commit"), (report.Finding?.Height.Value, report.Finding?.What));
        }

        // Three of four are enough, and so is another round's commit than the one that the next block carries.
        Commit three = chain.CommitOf(height, block.Hash, signers: 3, round: 2);
        AuditReport good = await AuditFixture.AuditAsync(
            fixture.Rewrite(chain, r => r[9] = three.Encode()), chain.Genesis);
        Assert.Null(good.Finding);
    }

    [Fact]
    public async Task Audit_LiesThatAllValidatorsSigned_AreFoundAllTheSame()
    {
        var stranger = new AccountId(Hash256.Of("stranger"u8));
        Hash256 other = Hash256.Of("other"u8);
        var lies = new (string What, Func<BlockHeader, BlockHeader> Lie)[]
        {
            ("state root after block 10", h => h with { StateRoot = other }),
            ("previous block hash", h => h with { PreviousBlockHash = other }),
            ("chain id", h => h with { ChainId = "another" }),
            ("time", h => h with { Time = 5 }),
            ("validators hash", h => h with { ValidatorsHash = other }),
            ("proposer", h => h with { Proposer = stranger }),
            ("proposer", h => h with { Proposer = fixture.Nodes[0].PublicKey.Account == h.Proposer
                ? fixture.Nodes[1].PublicKey.Account : fixture.Nodes[0].PublicKey.Account }),
        };
        int number = 0;
        foreach ((string what, Func<BlockHeader, BlockHeader> lie) in lies)
        {
            ScriptedChain chain = fixture.Start($"lie-{number++}").Play(rounds: 2);
            chain.Append();
            chain.AppendLie(lie);
            chain.Append();
            chain.Dispose();
            AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
            Assert.Equal((what, 11L), (report.Finding?.What, report.Finding?.Height.Value));
            Assert.Equal(new Height(10), report.Height);
        }
    }

    [Fact]
    public async Task Audit_AWrongLastCommitInASignedBlock_IsFound()
    {
        var changes = new Func<ScriptedChain, Commit, Commit?>[]
        {
            (_, _) => null,
            (c, last) => c.CommitOf(last.Height, last.BlockHash, signers: 2),
            (c, last) => c.CommitOf(last.Height, Hash256.Of("other"u8)),
            (c, last) => c.CommitOf(last.Height.Next, last.BlockHash),
            (_, last) => last with { Round = 3 },
        };
        for (int i = 0; i < changes.Length; i++)
        {
            ScriptedChain chain = fixture.Start($"commit-{i}");
            chain.Append();
            chain.Append();
            chain.ChangeLastCommit = last => changes[i](chain, last!);
            chain.Append();
            chain.Dispose();
            AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
            Assert.Equal((3L, "last commit"), (report.Finding?.Height.Value, report.Finding?.What));
        }
    }

    [Fact]
    public async Task Audit_LongerThanTwoSeconds_TellsHowFarItIs()
    {
        ScriptedChain chain = fixture.Played();
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(3) };
        var told = new List<long>();
        await new ChainAudit(ChainFolder.Find(chain.Folder), chain.Genesis, time).RunAsync(
            pin: null, (height, _) => told.Add(height.Value), TestContext.Current.CancellationToken);
        Assert.NotEmpty(told);
        Assert.Equal(told.Order(), told);
    }

    [Fact]
    public async Task Audit_TransactionsThatNoHonestProposerChooses_AreFound()
    {
        ScriptedChain chain = fixture.Played("a");
        ScriptedChain lying = fixture.Start("b");
        lying.Append([1, 2, 3]);
        lying.Dispose();
        AuditReport report = await AuditFixture.AuditAsync(lying.Folder, lying.Genesis);
        Assert.Equal("transactions", report.Finding?.What);
        Assert.Equal(chain.Genesis.Hash, report.GenesisHash);
    }

    [Fact]
    public async Task Audit_ABadSignatureInABlock_IsRefusedByExecutionAndCounted()
    {
        ScriptedChain chain = fixture.Start("forged");
        byte[] transaction = chain.Sign(1, new RegisterDevice(new DeviceId("pump-1")));
        transaction[^1] ^= 1;
        chain.Append(transaction);
        chain.Append();
        chain.Dispose();
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Null(report.Finding);
        Assert.Equal(1, report.Refused);
    }

    [Fact]
    public async Task Audit_Snapshots_MustBeTheChainsStates()
    {
        ScriptedChain chain = fixture.Played();
        var snapshots = SnapshotStore.Open(Path.Combine(chain.Folder, SnapshotStore.FolderName));
        snapshots.Write(chain.SnapshotAt(4));
        snapshots.Write(chain.SnapshotAt(9));
        AuditReport report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Null(report.Finding);
        Assert.Equal(2, report.Snapshots);

        string lost = fixture.Rewrite(chain, r => r.RemoveRange(12, r.Count - 12)); // whole blocks cut off the end
        Assert.Equal("end of the chain", (await AuditFixture.AuditAsync(lost, chain.Genesis)).Finding?.What);

        string path = SnapshotStore.List(snapshots.Folder)[0].Path;
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        report = await AuditFixture.AuditAsync(chain.Folder, chain.Genesis);
        Assert.Equal(new Height(4), report.Finding?.Height);
    }

    [Fact]
    public void Find_AFolderWithoutAChain_SaysWhatIsMissing()
    {
        Directory.CreateDirectory(fixture.File("empty"));
        var failure = Assert.Throws<InputException>(() => ChainFolder.Find(fixture.File("empty")));
        Assert.Contains("blocks", failure.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => ChainFolder.ParsePin("12"));
    }

    private static byte[] Record(ScriptedChain chain, int index) =>
        Storage.Files.SegmentReader.Read(chain.BlocksFolder, 8 << 20).ElementAt(index).Payload;

    // [header bytes, [transaction, …], …]: a byte in the middle of the first transaction; of an empty list its end.
    private static int FirstTransaction(byte[] block)
    {
        var reader = new CborReader(block, CborConformanceMode.Canonical);
        reader.ReadStartArray();
        reader.ReadByteString();
        return reader.ReadStartArray() == 0 ? block.Length - 3 : block.Length - reader.BytesRemaining + 40;
    }
}
