using FedIoT.Consensus;
using FedIoT.Signing.Attestation;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests;

/// <summary>What every signer must do, whatever holds its key. A signer's test class inherits it.</summary>
public abstract class SignerContract
{
    /// <summary>A signer with a key of its own; the test disposes it.</summary>
    protected abstract ISigner CreateSigner();

    /// <summary>False for a signer whose key is in no device.</summary>
    protected virtual bool HasAttestation => true;

    [Fact]
    public void Attestation_OfADevice_HoldsForItsChallengeAndKeyOnly()
    {
        using ISigner signer = CreateSigner();
        Assert.Equal(HasAttestation, signer is IAttestingSigner);
        if (signer is not IAttestingSigner attesting)
        {
            return;
        }

        byte[] challenge = [.. Enumerable.Range(0, KeyAttestation.ChallengeBytes).Select(i => (byte)i)];
        byte[] bytes = KeyAttestation.Create(attesting, challenge);
        Assert.True(KeyAttestation.TryDecode(bytes, out KeyAttestation? read));
        Assert.Equal(signer.PublicKey, read!.Key);
        Assert.Contains(new("sensitive", true), read.Evidence.Claims);
        Assert.Contains(new("extractable", false), read.Evidence.Claims);
        Assert.Contains(read.Evidence.Identity, i => i.Key == "serialNumber" && !string.IsNullOrEmpty(i.Value));
        Assert.Equal(AttestationLevel.Claimed, Level(read, challenge, signer.PublicKey.Account));
        using ISigner other = CreateSigner();
        Assert.Equal(AttestationLevel.Refused, Level(read, challenge, other.PublicKey.Account));
        challenge[31] ^= 1;
        Assert.Equal(AttestationLevel.Refused, Level(read, challenge, signer.PublicKey.Account));
        Assert.Throws<ArgumentException>(() => KeyAttestation.Create(attesting, challenge.AsSpan(1)));
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Join(", ", read.Evidence.Identity) + string.Join(", ", read.Evidence.Claims));

        static AttestationLevel Level(KeyAttestation read, byte[] challenge, FedIoT.Wire.AccountId key) =>
            read.Check(challenge, key, []).Level;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void Sign_MessageOfAnyLength_VerifiesWithThePublicKeyOnly(int length)
    {
        using ISigner signer = CreateSigner();
        using ISigner other = CreateSigner();
        var message = new byte[length];
        message.AsSpan().Fill(0xA5);
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(message, signature);
        Assert.True(signer.PublicKey.Verify(message, signature));
        Assert.False(signer.PublicKey.Verify([.. message, 0], signature));
        Assert.False(other.PublicKey.Verify(message, signature));
        signature[40] ^= 1;
        Assert.False(signer.PublicKey.Verify(message, signature));
    }

    [Fact]
    public void PublicKey_OfTwoSigners_DiffersAndCanBeRegistered()
    {
        using ISigner signer = CreateSigner();
        using ISigner other = CreateSigner();
        Assert.NotEqual(signer.PublicKey.Account, other.PublicKey.Account);
        Assert.True(VerifyingKey.TryImport(
            signer.PublicKey.Algorithm, signer.PublicKey.Bytes, out VerifyingKey? registered));
        Assert.Equal(signer.PublicKey, registered);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    public void Sign_DestinationOfAnotherLength_IsACallersError(int length)
    {
        using ISigner signer = CreateSigner();
        Assert.Throws<ArgumentException>(() => signer.Sign("m"u8, new byte[length]));
    }

    [Fact]
    public void Sign_FromSeveralThreads_GivesValidSignatures()
    {
        using ISigner signer = CreateSigner();
        Parallel.For(0, 32, i =>
        {
            byte[] message = [(byte)i, 1, 2];
            var signature = new byte[VerifyingKey.SignatureLength];
            signer.Sign(message, signature);
            Assert.True(signer.PublicKey.Verify(message, signature));
        });
    }

    [Fact]
    public void Sign_AfterDisposal_IsRefused()
    {
        ISigner signer = CreateSigner();
        signer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => signer.Sign("m"u8, new byte[VerifyingKey.SignatureLength]));
    }

    [Fact]
    public void CoseSign1_SignedByIt_VerifiesInItsRoleOnly()
    {
        using ISigner signer = CreateSigner();
        byte[] payload = [1, 2, 3];
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(CoseSign1.SignBytes(signer.PublicKey, "fediot/1 tx", payload), signature);
        Assert.True(CoseSign1.TryDecode(
            CoseSign1.Assemble(signer.PublicKey, payload, signature), out CoseSign1? message));
        Assert.True(message!.Verify(signer.PublicKey, "fediot/1 tx"));
        Assert.False(message.Verify(signer.PublicKey, "fediot/1 vote"));
    }
}
