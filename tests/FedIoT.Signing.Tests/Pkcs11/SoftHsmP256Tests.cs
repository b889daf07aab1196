using FedIoT.Consensus;
using FedIoT.Signing.Pkcs11;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

[Collection(Pkcs11Group.Name)]
public sealed class SoftHsmP256Tests : SignerContract, IDisposable
{
    private readonly SoftHsm hsm = new();

    public void Dispose() => hsm.Dispose();

    [Fact]
    public void PublicKey_OfTheToken_HasTheAlgorithmOfTheKey()
    {
        using ISigner signer = CreateSigner();
        Assert.Equal(SignatureAlgorithm.Es256, signer.PublicKey.Algorithm);
    }

    protected override ISigner CreateSigner() =>
        Pkcs11Signer.Create(hsm.NewKey(SignatureAlgorithm.Es256), TimeProvider.System);
}
