using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

public sealed class CommitVerifierTests
{
    private readonly TestChain chain = new(4);
    private readonly Block block;

    public CommitVerifierTests() => block = chain.MakeBlock(1, "a");

    [Fact]
    public void Commit_OfThreeOfFour_IsValid() => Expect(CommitVerdict.Valid, chain.MakeCommit(block, 2, 0, 2, 3));

    [Fact]
    public void Commit_OfTwoOfFour_HasTooLittlePower() =>
        Expect(CommitVerdict.TooLittlePower, chain.MakeCommit(block, 0, 1, 2));

    [Fact]
    public void Commit_OfNobody_HasTooLittlePower() => Expect(CommitVerdict.TooLittlePower, chain.MakeCommit(block, 0));

    [Fact]
    public void Commit_OfExactlyTwoThirds_HasTooLittlePower()
    {
        var three = new TestChain(3);
        Assert.Equal(CommitVerdict.TooLittlePower, CommitVerifier.Verify(
            TestChain.Id, three.Validators, three.MakeCommit(three.MakeBlock(0, "a"), 0, 0, 1)));
    }

    [Fact]
    public void Commit_WeightedPower_CountsPowerNotHeads()
    {
        var weighted = new TestChain(4, i => i == 0 ? 7 : 1);
        Block any = weighted.MakeBlock(0, "a");
        Assert.Equal(CommitVerdict.Valid, CommitVerifier.Verify(
            TestChain.Id, weighted.Validators, weighted.MakeCommit(any, 0, 0)));
        Assert.Equal(CommitVerdict.TooLittlePower, CommitVerifier.Verify(
            TestChain.Id, weighted.Validators, weighted.MakeCommit(any, 0, 1, 2, 3)));
    }

    [Fact]
    public void Commit_WithAValidatorTwice_IsRefused() =>
        Expect(CommitVerdict.NotAscending, chain.MakeCommit(block, 0, 0, 1, 1));

    [Fact]
    public void Commit_OutOfOrder_IsRefused() =>
        Expect(CommitVerdict.NotAscending, chain.MakeCommit(block, 0, 1, 0, 2));

    [Fact]
    public void Commit_WithAStranger_IsRefused()
    {
        Commit good = chain.MakeCommit(block, 0, 0, 1, 2);
        Expect(CommitVerdict.UnknownValidator, good with
        {
            Signatures = [.. good.Signatures, good.Signatures[0] with { ValidatorIndex = 4 }],
        });
    }

    [Fact]
    public void Commit_ChangedInAnything_HasBadSignatures()
    {
        Commit good = chain.MakeCommit(block, 1, 0, 1, 2);
        Expect(CommitVerdict.BadSignature, good with { Round = 0 });
        Expect(CommitVerdict.BadSignature, good with { Height = new Height(2) });
        Expect(CommitVerdict.BadSignature, good with { BlockHash = Hash256.Of("other"u8) });
        Expect(CommitVerdict.BadSignature, good with
        {
            Signatures = [good.Signatures[0], good.Signatures[1], good.Signatures[1] with { ValidatorIndex = 2 }],
        });
        Assert.Equal(CommitVerdict.BadSignature, CommitVerifier.Verify("another-chain", chain.Validators, good));
    }

    [Fact]
    public void Commit_MadeOfPrevotes_HasBadSignatures() => Expect(
        CommitVerdict.BadSignature,
        new Commit(new Height(1), 0, block.Hash, [.. Enumerable.Range(0, 3).Select(i => new CommitSignature(
            i, chain.Sign(i, VoteType.Prevote, 1, 0, block.Hash).Signature))]));

    private void Expect(CommitVerdict expected, Commit commit) =>
        Assert.Equal(expected, CommitVerifier.Verify(TestChain.Id, chain.Validators, commit));
}
