using FedIoT.Consensus;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Tests.Chain;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Gateway.Tests.Board;

public sealed class LockableSignerTests
{
    [Theory]
    [InlineData(NodeBinding.Role, true)]
    [InlineData(PeerAddress.Role, true)]
    [InlineData(Vote.Role, false)]
    [InlineData(Proposal.Role, false)]
    [InlineData(TransactionCodec.Role, false)]
    [InlineData(SignedDelta.Role, false)]
    [InlineData("fediot/1 tls ", false)]
    [InlineData("", false)]
    public void Locked_SignsWhatConnectsPeersAndNothingElse(string role, bool isSigned)
    {
        using var key = new TestSigner(7);
        var signingLock = new SigningLock();
        using var signer = new LockableSigner(key, signingLock);
        byte[] message = CoseSign1.SignBytes(key.PublicKey, role, [1, 2, 3]);
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(message, signature);
        Assert.True(key.PublicKey.Verify(message, signature));
        signingLock.Engage("the case was opened");
        if (isSigned)
        {
            signer.Sign(message, signature);
        }
        else
        {
            SignerException refusal = Assert.Throws<SignerException>(() => signer.Sign(message, signature));
            Assert.Equal("the case was opened", refusal.Message);
        }

        signingLock.Release();
        signer.Sign(message, signature);
    }

    [Fact]
    public void Locked_MessageThatIsNoStructure_IsRefused()
    {
        using var key = new TestSigner(7);
        var signingLock = new SigningLock();
        using var signer = new LockableSigner(key, signingLock);
        signingLock.Engage("locked");
        byte[] structure = CoseSign1.SignBytes(key.PublicKey, NodeBinding.Role, [1]);
        for (int length = 0; length < 20; length++)
        {
            Assert.Throws<SignerException>(
                () => signer.Sign(structure.AsSpan(0, length), new byte[VerifyingKey.SignatureLength]));
        }
    }
}
