using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Consensus.Tests;

public sealed class ValidatorChangeTests
{
    private readonly TestChain chain = new(4);

    [Fact]
    public void With_NoUpdate_IsTheSameSet() => Assert.Same(chain.Validators, chain.Validators.With([]));

    [Fact]
    public void With_PowerAndRemoval_GivesTheChangedSet()
    {
        ValidatorSet changed = chain.Validators.With(
            [new ValidatorUpdate(chain.Signers[0].PublicKey, 0), new ValidatorUpdate(chain.Signers[1].PublicKey, 3)]);
        Assert.Equal(3, changed.Count);
        Assert.Equal(5, changed.TotalPower);
        Assert.Equal(-1, changed.IndexOf(chain.Account(0)));
        Assert.NotEqual(chain.Validators.Hash, changed.Hash);
    }

    [Fact]
    public void With_NewMember_JoinsInOrder()
    {
        var signer = new TestSigner(99);
        ValidatorSet changed = chain.Validators.With([new ValidatorUpdate(signer.PublicKey, 1)]);
        Assert.Equal(5, changed.Count);
        Assert.Equal(changed.Members.OrderBy(m => m.Account), changed.Members);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1_000_000)] // no schedule is so long
    public void With_ChangesThatLeaveNoPossibleSet_AreAllIgnored(long power) => Assert.Same(
        chain.Validators,
        chain.Validators.With(
            [new ValidatorUpdate(chain.Signers[0].PublicKey, power), new(chain.Signers[1].PublicKey, 0)]));

    [Fact]
    public void With_EverybodyOut_IsIgnored() => Assert.Same(
        chain.Validators, chain.Validators.With([.. chain.Signers.Select(s => new ValidatorUpdate(s.PublicKey, 0))]));

    [Fact]
    public void VerifiedSignatures_RememberOnlyWhatVerified()
    {
        var verified = new VerifiedSignatures(capacity: 1);
        SignedVote vote = chain.Sign(0, VoteType.Prevote, 1, 0, Hash256.Of("a"u8));
        SignedVote moved = vote with { Vote = vote.Vote with { Round = 1 } };
        SignedVote other = chain.Sign(1, VoteType.Prevote, 1, 0, Hash256.Of("a"u8));
        for (int i = 0; i < 2; i++) // the second time from memory, or forgotten and verified again
        {
            Assert.True(vote.Verify(TestChain.Id, chain.Validators, verified));
            Assert.False(moved.Verify(TestChain.Id, chain.Validators, verified));
            Assert.False(vote.Verify("other-chain", chain.Validators, verified));
            Assert.True(other.Verify(TestChain.Id, chain.Validators, verified));
            Assert.False((other with { Signature = vote.Signature }).Verify(TestChain.Id, chain.Validators, verified));
        }
    }
}
