using FedIoT.Signing;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

public sealed class GuardedSignerTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "fediot-" + Guid.NewGuid().ToString("N"));
    private readonly TestSigner key = new(0);
    private readonly Hash256 a = Hash256.Of("a"u8);
    private readonly Hash256 b = Hash256.Of("b"u8);
    private SignStateLog state;
    private GuardedSigner signer;

    public GuardedSignerTests()
    {
        state = SignStateLog.Open(folder, key.PublicKey.Account);
        signer = new GuardedSigner(key, state, TestChain.Id);
    }

    public void Dispose()
    {
        state.Dispose();
        key.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Sign_SecondBlockAtSameHeightRoundAndStep_IsRefused()
    {
        Assert.NotNull(signer.TrySign(Prevote(5, 0, a)));
        Assert.Null(signer.TrySign(Prevote(5, 0, b)));
        Assert.Null(signer.TrySign(Prevote(5, 0, Hash256.Zero)));
    }

    [Fact]
    public void Sign_SameVoteAgain_ReturnsTheSameSignature()
    {
        SignedVote first = signer.TrySign(Prevote(5, 0, a))!;
        signer.TrySign(Prevote(5, 1, b));
        Assert.Equal(first.Signature.ToArray(), signer.TrySign(Prevote(5, 0, a))!.Signature.ToArray());
    }

    [Fact]
    public void Sign_EarlierHeightRoundOrStep_IsRefused()
    {
        Assert.NotNull(signer.TrySign(Precommit(5, 3, a)));
        Assert.Null(signer.TrySign(Prevote(5, 3, a)));
        Assert.Null(signer.TrySign(Precommit(5, 2, a)));
        Assert.Null(signer.TrySign(Precommit(4, 9, a)));
        Assert.NotNull(signer.TrySign(Prevote(5, 4, b)));
        Assert.NotNull(signer.TrySign(Prevote(6, 0, b)));
    }

    [Fact]
    public void Sign_AfterRestart_StillKnowsEverythingOfTheHeight()
    {
        SignedVote prevote = signer.TrySign(Prevote(5, 0, a))!;
        signer.TrySign(Precommit(5, 0, a));
        Restart();
        Assert.Null(signer.TrySign(Prevote(5, 0, b)));
        Assert.Null(signer.TrySign(Precommit(5, 0, Hash256.Zero)));
        Assert.Equal(prevote.Signature.ToArray(), signer.TrySign(Prevote(5, 0, a))!.Signature.ToArray());
        Assert.Equal(
            [VoteType.Prevote, VoteType.Precommit], state.At(new Height(5)).Select(r => r.ToVote()!.Vote.Type));
        Assert.True(state.At(new Height(5))[1].ToVote()!.Verify(
            TestChain.Id, new ValidatorSet([new Validator(key.PublicKey, 1)])));
    }

    [Fact]
    public void Sign_TornLastRecord_IsForgottenBecauseItNeverLeft()
    {
        signer.TrySign(Prevote(5, 0, a));
        signer.TrySign(Precommit(5, 0, a));
        state.Dispose();
        string segment = Directory.GetFiles(folder, "*.seg").Single();
        using (FileStream file = File.OpenWrite(segment))
        {
            file.SetLength(file.Length - 1);
        }

        state = SignStateLog.Open(folder, key.PublicKey.Account);
        signer = new GuardedSigner(key, state, TestChain.Id);
        Assert.Equal(ConsensusStep.Prevote, state.Last!.Step);
        Assert.NotNull(signer.TrySign(Precommit(5, 0, a)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Open_RecordDamagedBeforeOthers_IsRefusedBecauseItsSignatureLeft(int damaged)
    {
        signer.TrySign(Prevote(5, 0, a));
        signer.TrySign(Precommit(5, 0, a));
        signer.TrySign(Prevote(5, 1, a));
        state.Dispose();
        string segment = Directory.GetFiles(folder, "*.seg").Single();
        byte[] good = File.ReadAllBytes(segment);
        byte[] bad = [.. good];
        int record = (good.Length - 16) / 3;
        bad[16 + (damaged * record) + 60] ^= 1; // a bit of the card flipped
        File.WriteAllBytes(segment, bad);

        // Twice: the first look must not have cut the rest off.
        for (int start = 0; start < 2; start++)
        {
            StorageException refusal = Assert.Throws<StorageException>(
                () => SignStateLog.Open(folder, key.PublicKey.Account));
            Assert.Contains("damaged", refusal.Message, StringComparison.Ordinal);
        }

        File.WriteAllBytes(segment, good);
        state = SignStateLog.Open(folder, key.PublicKey.Account);
        signer = new GuardedSigner(key, state, TestChain.Id);
        Assert.Null(signer.TrySign(Prevote(5, 0, b)));
    }

    [Fact]
    public void Open_WhileAnotherProcessHasIt_IsRefused() =>
        Assert.Throws<StorageException>(() => SignStateLog.Open(folder, key.PublicKey.Account));

    [Fact]
    public void Open_WithAnotherKey_IsRefused()
    {
        signer.TrySign(Prevote(5, 0, a));
        state.Dispose();
        Assert.Throws<StorageException>(() => SignStateLog.Open(folder, new TestSigner(1).PublicKey.Account));
        state = SignStateLog.Open(folder, key.PublicKey.Account);
    }

    [Fact]
    public void Sign_ManyHeights_KeepsTheLogSmall()
    {
        for (int height = 1; height <= 20_000; height++)
        {
            state.Append(new SignRecord(
                key.PublicKey.Account, new Height(height), 0, ConsensusStep.Prevote, a, b, new byte[64]));
        }

        Assert.True(Directory.GetFiles(folder, "*.seg").Length <= 2);
        Restart();
        Assert.Equal(new Height(20_000), state.Last!.Height);
    }

    [Fact]
    public void Sign_TokenFails_RecordsNothing()
    {
        var broken = new GuardedSigner(new BrokenSigner(key), state, TestChain.Id);
        Assert.Throws<SignerException>(() => broken.TrySign(Prevote(5, 0, a)));
        Assert.Null(state.Last);
        Assert.NotNull(signer.TrySign(Prevote(5, 0, b)));
    }

    [Fact]
    public void Sign_ProposalThenVotesOfARound_AreAllowed()
    {
        Block block = new TestChain(4).MakeBlock(0, "a");
        var proposal = new Proposal(new Height(1), 0, -1, block.Hash, key.PublicKey.Account);
        Assert.NotNull(signer.TrySign(proposal, block));
        Assert.Null(signer.TrySign(proposal with { PolRound = 0 }, block));
        Assert.NotNull(signer.TrySign(Prevote(1, 0, block.Hash)));
        Assert.NotNull(signer.TrySign(Precommit(1, 0, block.Hash)));
        Assert.Null(signer.TrySign(proposal with { Height = new Height(2), Proposer = new AccountId(a) }, block));
    }

    private Vote Prevote(long height, int round, Hash256 hash) =>
        new(VoteType.Prevote, new Height(height), round, hash, key.PublicKey.Account);

    private Vote Precommit(long height, int round, Hash256 hash) =>
        new(VoteType.Precommit, new Height(height), round, hash, key.PublicKey.Account);

    private void Restart()
    {
        state.Dispose();
        state = SignStateLog.Open(folder, key.PublicKey.Account);
        signer = new GuardedSigner(key, state, TestChain.Id);
    }

    private sealed class BrokenSigner(TestSigner inner) : ISigner
    {
        public FedIoT.Wire.Cose.VerifyingKey PublicKey => inner.PublicKey;

        public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) =>
            throw new SignerException("the token is gone");

        public void Dispose()
        {
        }
    }
}
