using FedIoT.Consensus;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>The PKCS#11 signer over a TPM 2.0 (swtpm, tpm2-abrmd, tpm2-pkcs11).</summary>
[Collection(Pkcs11Group.Name)]
public sealed class TpmTests : SignerContract
{
    private readonly TpmMachine machine;

    public TpmTests(TpmMachine machine)
    {
        this.machine = machine;
        machine.Require();
    }

    [Fact]
    public void Open_KeyOfTheCeremony_SignsWithP256AndNeverLeaves()
    {
        using Pkcs11Signer signer = Pkcs11Signer.Open(machine.Options(), TimeProvider.System);
        var signature = new byte[64];
        signer.Sign("m"u8, signature);
        Assert.Equal(SignatureAlgorithm.Es256, signer.PublicKey.Algorithm);
        Assert.True(signer.PublicKey.Verify("m"u8, signature));
    }

    [Fact]
    public void Sign_TpmKilledAndStartedAgain_FailsTypedThenRecovers()
    {
        var time = new FakeTimeProvider();
        using Pkcs11Signer signer = Pkcs11Signer.Open(machine.Options(), time);
        var signature = new byte[64];
        signer.Sign("m"u8, signature);
        machine.KillTpm();
        var error = Assert.Throws<SignerException>(() => signer.Sign("m"u8, signature));
        Assert.Equal(SignerFault.Absent, TokenException.FaultOf(error));
        machine.StartTpm();
        time.Advance(TimeSpan.FromSeconds(2));
        signer.Sign("again"u8, signature);
        Assert.True(signer.PublicKey.Verify("again"u8, signature));
    }

    protected override ISigner CreateSigner() => Pkcs11Signer.Create(machine.NewKey(), TimeProvider.System);
}
