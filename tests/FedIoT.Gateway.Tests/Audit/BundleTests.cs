using FedIoT.Consensus;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

public sealed class BundleTests : IDisposable
{
    private readonly AuditFixture fixture = new();
    private readonly ScriptedChain chain;
    private readonly BundleBuilder builder;

    public BundleTests()
    {
        chain = fixture.Played();
        builder = new BundleBuilder(ChainFolder.Find(chain.Folder), chain.Genesis);
    }

    private AccountId Account => fixture.Nodes[2].PublicKey.Account;

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Account_AfterTheLastVouchedBlock_HasItsPoints()
    {
        BundleCheck check = BundleVerifier.Check(builder.ForAccount(Account, after: null), chain.Genesis.Hash);
        Assert.Null(check.Finding);
        var entry = Assert.IsType<StateEntry.OfAccount>(Assert.Single(check.Entries!));
        LedgerState state = chain.States[^2]; // the last block's own state is vouched for by nobody yet
        Assert.Equal(state.Accounts[Account], entry.Account);
        Assert.True(entry.Account.Points > 0);
        Assert.Equal(chain.State.Height, check.Bundle!.Header.Height);
        Assert.Contains("points", check.ToText(pinned: true, TimeSpan.Zero), StringComparison.Ordinal);
        Assert.Contains("\"valid\":true", check.ToJson(pinned: true, TimeSpan.Zero), StringComparison.Ordinal);
    }

    [Fact]
    public void Account_AfterAnyEarlierBlock_IsThatStates()
    {
        for (int height = 0; height < chain.State.Height.Value; height++)
        {
            BundleCheck check = BundleVerifier.Check(
                builder.ForAccount(Account, new Height(height)), chain.Genesis.Hash);
            var entry = Assert.IsType<StateEntry.OfAccount>(Assert.Single(check.Entries!));
            Assert.Equal(chain.States[height].Accounts[Account], entry.Account);
        }

        Assert.Throws<RunFailedException>(() => builder.ForAccount(Account, chain.State.Height));
    }

    [Fact]
    public void DeviceModelAndDelta_AreProven()
    {
        DeviceId device = ScriptedChain.DeviceOf(1, 0);
        BundleCheck check = BundleVerifier.Check(builder.ForDevice(device, after: null), chain.Genesis.Hash);
        Assert.Equal(
            chain.States[^2].Devices[device], Assert.IsType<StateEntry.OfDevice>(check.Entries!.Single()).Device);

        check = BundleVerifier.Check(
            builder.ForModel(ScriptedChain.TaskName, version: 1, after: null), chain.Genesis.Hash);
        Assert.Equal(chain.Specification.Name, ((StateEntry.OfTask)check.Entries![0]).Specification.Name);
        Assert.Equal(chain.Task.Versions[1], ((StateEntry.OfVersion)check.Entries[1]).Version);

        check = BundleVerifier.Check(builder.ForDelta(ScriptedChain.TaskName, 2, device), chain.Genesis.Hash);
        Assert.Null(check.Finding);
        Assert.Equal((device, 2, chain.TaskId), (check.Delta!.Device, check.Delta.Round, check.Delta.Task));
        Assert.Equal(chain.Task.Versions[1].Hash, check.Delta.BaseModel);
    }

    [Fact]
    public void Proof_OfWhatIsNotThere_IsRefusedWithAReason()
    {
        var nobody = new AccountId(Hash256.Of("nobody"u8));
        var device = new DeviceId("nobody");
        Assert.Throws<RunFailedException>(() => builder.ForAccount(nobody, after: null));
        Assert.Throws<RunFailedException>(() => builder.ForDevice(device, after: null));
        Assert.Throws<RunFailedException>(() => builder.ForModel("other", version: null, after: null));
        Assert.Throws<RunFailedException>(() => builder.ForModel(ScriptedChain.TaskName, version: 99, after: null));
        Assert.Throws<RunFailedException>(() => builder.ForDelta(ScriptedChain.TaskName, 1, device));
        Assert.Throws<RunFailedException>(
            () => builder.ForDelta(ScriptedChain.TaskName, 9, ScriptedChain.DeviceOf(0, 0)));
    }

    [Theory]
    [InlineData("account", 1)]
    [InlineData("model", 8)]
    [InlineData("delta", 8)]
    public void Bundle_AnyBitFlipped_IsRefused(string kind, int stride)
    {
        byte[] bundle = kind switch
        {
            "account" => builder.ForAccount(Account, after: null),
            "model" => builder.ForModel(ScriptedChain.TaskName, version: null, after: null),
            _ => builder.ForDelta(ScriptedChain.TaskName, 1, ScriptedChain.DeviceOf(3, 1)),
        };
        Assert.True(BundleVerifier.Check(bundle, chain.Genesis.Hash).IsValid);
        Parallel.For(0, bundle.Length * 8 / stride, i =>
        {
            int bit = (i * stride) + (i % stride);
            byte[] changed = [.. bundle];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(BundleVerifier.Check(changed, chain.Genesis.Hash).IsValid, $"bit {bit}");
        });
    }

    [Fact]
    public void Bundle_MalformedOrCut_NeverThrows()
    {
        byte[] bundle = builder.ForDelta(ScriptedChain.TaskName, 1, ScriptedChain.DeviceOf(3, 1));
        for (int length = 0; length < bundle.Length; length++)
        {
            Assert.False(BundleVerifier.Check(bundle.AsMemory(0, length), pin: null).IsValid);
        }

        Assert.False(BundleVerifier.Check((byte[])[.. bundle, 0], pin: null).IsValid);
        const ulong Seed = 5;
        var random = new SplitMix64(Seed);
        for (int i = 0; i < 5_000; i++)
        {
            byte[] changed = i % 2 == 0 ? new byte[random.Next(64)] : [.. bundle];
            for (int j = 0; j < Math.Min(changed.Length, 1 + random.Next(32)); j++)
            {
                changed[random.Next(i % 4 < 2 ? Math.Min(24, changed.Length) : changed.Length)] =
                    (byte)random.Next(256);
            }

            BundleCheck check = BundleVerifier.Check(changed, chain.Genesis.Hash);
            Assert.True(!check.IsValid || changed.AsSpan().SequenceEqual(bundle), $"seed {Seed}, trial {i}");
        }
    }

    [Fact]
    public void Bundle_OfAnotherChainOrWithTooFewSignatures_IsRefused()
    {
        byte[] bytes = builder.ForAccount(Account, after: null);
        Assert.Equal("genesis hash", BundleVerifier.Check(bytes, Hash256.Of("other"u8)).Finding?.What);
        Assert.True(Bundle.TryDecode(bytes, out Bundle? bundle));
        Height height = bundle!.Header.Height;
        Hash256 hash = bundle.Commit.BlockHash;
        Bundle With(Commit commit) => bundle with { Links = [bundle.Links[0] with { Commit = commit }] };
        Bundle[] wrong =
        [
            With(chain.CommitOf(height, hash, signers: 2)),
            With(chain.CommitOf(new Height(height.Value - 1), hash)),
            With(chain.CommitOf(height, Hash256.Of("other"u8))),
            bundle with
            {
                Links = [bundle.Links[0] with { Header = bundle.Header with { StateRoot = Hash256.Of("other"u8) } }],
            },
            bundle with { Links = [bundle.Links[0] with { Validators = chain.Validators }] },
            bundle with { Links = [.. bundle.Links, .. bundle.Links] },
            bundle with { Links = [] },
            bundle with { Claim = new BundleClaim.Entries([]) },
        ];
        Assert.All(wrong, w => Assert.False(BundleVerifier.Check(w.Encode(), chain.Genesis.Hash).IsValid));
        Bundle three = With(chain.CommitOf(height, hash, signers: 3, round: 4));
        Assert.True(BundleVerifier.Check(three.Encode(), chain.Genesis.Hash).IsValid);
    }

    [Theory]
    [InlineData("a delta signed by another key", "delta")]
    [InlineData("a delta of another round", "delta")]
    [InlineData("a transaction with another signature", "transaction's signature")]
    [InlineData("the account of somebody else", "signer")]
    [InlineData("a nonce that is used up", "signer")]
    [InlineData("nothing wrong", null)]
    public void Delta_ForgedButStandingInABlock_IsRefused(string what, string? finding)
    {
        // A dishonest proposer may put a forged reveal into a block: execution refuses it, inclusion alone is no proof.
        ScriptedChain chain = fixture.Start("forged").Play(rounds: 1);
        byte[] payload = SignedDelta.EncodePayload(
            chain.TaskId, what.Contains("round", StringComparison.Ordinal) ? 7 : 1, chain.Task.Model.Hash,
            ScriptedChain.DeviceOf(0, 0), new sbyte[4]);
        bool wrongKey = what.Contains("another key", StringComparison.Ordinal);
        byte[] delta = ScriptedChain.Envelope(
            wrongKey ? fixture.Nodes[1] : fixture.Training[0], SignedDelta.Role, payload);
        byte[] reveal = chain.Sign(0, new RevealDeltas(chain.TaskId, 1, [delta]));
        reveal[^1] ^= what.Contains("signature", StringComparison.Ordinal) ? (byte)1 : (byte)0;
        Block block = chain.Append(reveal);
        if (what.Contains("used up", StringComparison.Ordinal))
        {
            block = chain.Append(reveal);
        }

        int signer = what.Contains("somebody", StringComparison.Ordinal) ? 1 : 0;
        BundleEntry account = BundleEntry.From(
            chain.States[^2], StateKey.Account(fixture.Nodes[signer].PublicKey.Account))!;
        var claim = new BundleClaim.Delta(reveal, new MerklePath([]), Hash256.Of(delta), account);
        Commit commit = chain.CommitOf(block.Header.Height, block.Hash);
        byte[] bundle = new Bundle(
            chain.Genesis.Encode(), [new BundleLink(block.Header, commit, Validators: null)], claim).Encode();
        Assert.Equal(finding, BundleVerifier.Check(bundle, chain.Genesis.Hash).Finding?.What);
        chain.Dispose();
    }

    [Fact]
    public void Bundle_Scripted_HasThePinnedBytes()
    {
        byte[] bundle = builder.ForAccount(Account, new Height(3));
        Assert.Equal(GoldenBundle.Account, Convert.ToHexStringLower(bundle));
        Assert.Equal(GoldenBundle.GenesisHash, chain.Genesis.Hash.ToString());
        Assert.True(Hash256.TryParse(GoldenBundle.GenesisHash, out Hash256 pin));
        BundleCheck check = BundleVerifier.Check(Convert.FromHexString(GoldenBundle.Account), pin);
        Assert.True(check.IsValid);
        Assert.True(Bundle.TryDecode(bundle, out Bundle? decoded));
        Assert.Equal(bundle, decoded!.Encode());
    }
}
