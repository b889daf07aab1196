using FedIoT.Consensus;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

[Collection(Pkcs11Group.Name)]
public sealed class SoftHsmEd25519Tests : SignerContract, IDisposable
{
    private readonly SoftHsm hsm = new();

    public void Dispose() => hsm.Dispose();

    [Fact]
    public void PublicKey_OfTheToken_HasTheAlgorithmOfTheKey()
    {
        using ISigner signer = CreateSigner();
        Assert.Equal(SignatureAlgorithm.EdDsa, signer.PublicKey.Algorithm);
    }

    protected override ISigner CreateSigner() =>
        Pkcs11Signer.Create(hsm.NewKey(SignatureAlgorithm.EdDsa), TimeProvider.System);
}
