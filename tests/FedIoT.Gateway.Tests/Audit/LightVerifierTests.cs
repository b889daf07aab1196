using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

public sealed class LightVerifierTests : IDisposable
{
    private readonly AuditFixture fixture = new();
    private readonly ScriptedChain chain;
    private readonly Block block;
    private readonly LightTrust trust;

    public LightVerifierTests()
    {
        chain = fixture.Start("light");
        chain.Append();
        block = chain.Append();
        chain.Dispose();
        trust = LightTrust.In(ScriptedChain.ChainId, chain.Validators);
    }

    private Commit Valid => chain.CommitOf(block.Header.Height, block.Hash);

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Header_SignedByMoreThanTwoThirds_IsBelievedWithoutTheBlocksBefore()
    {
        Assert.Equal(LightVerdict.Valid, Verify(block.Header, Valid));
        Commit three = chain.CommitOf(block.Header.Height, block.Hash, signers: 3, round: 9);
        Assert.Equal(LightVerdict.Valid, Verify(block.Header, three));
    }

    [Fact]
    public void Header_WithAnythingWrong_IsRefusedWithTheReason()
    {
        Height height = block.Header.Height;
        Hash256 other = Hash256.Of("other"u8);
        var smaller = new ValidatorSet(chain.Validators.Members.Take(3));
        Commit reversed = Valid with { Signatures = [.. Valid.Signatures.Reverse()] };
        byte[] signature = Valid.Signatures[0].Signature.ToArray();
        signature[0] ^= 1;
        Commit forged = Valid with { Signatures = [new CommitSignature(0, signature), .. Valid.Signatures.Skip(1)] };
        Assert.Equal(LightVerdict.WrongChain, Verify(block.Header with { ChainId = "x" }, Valid));
        Assert.Equal(LightVerdict.UntrustedValidators, Verify(block.Header with { ValidatorsHash = other }, Valid));
        Assert.Equal(LightVerdict.UntrustedValidators, Verify(block.Header, Valid, smaller));
        Assert.Equal(
            LightVerdict.UnknownProposer, Verify(block.Header with { Proposer = new AccountId(other) }, Valid));
        Assert.Equal(LightVerdict.WrongCommit, Verify(block.Header with { StateRoot = other }, Valid));
        Assert.Equal(LightVerdict.WrongCommit, Verify(block.Header, chain.CommitOf(new Height(1), block.Hash)));
        Assert.Equal(
            LightVerdict.TooLittlePower, Verify(block.Header, chain.CommitOf(height, block.Hash, signers: 2)));
        Assert.Equal(LightVerdict.MalformedCommit, Verify(block.Header, reversed));
        Assert.Equal(LightVerdict.BadSignature, Verify(block.Header, forged));
        Assert.Equal(LightVerdict.BadSignature, Verify(block.Header, Valid with { Round = 1 }));
    }

    private LightVerdict Verify(BlockHeader header, Commit commit, ValidatorSet? validators = null) =>
        LightVerifier.Verify(trust, new LightBlock(header, commit, validators ?? chain.Validators));
}
