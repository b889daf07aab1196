using System.CommandLine;
using FedIoT.Consensus;
using FedIoT.Gateway.Keys;
using FedIoT.Signing.Attestation;
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

    [Fact]
    public void Attestation_WithTheCertificateOfTheCeremony_IsProvedForThisKeyOnly()
    {
        Pkcs11Options options = machine.NewKey();
        using Pkcs11Signer signer = Pkcs11Signer.Create(options, TimeProvider.System);
        string folder = machine.Certify(options.KeyLabel);
        Assert.Equal(
            ["ak.pem", "key.attest", "key.pub", "key.sig"],
            Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        VerifyingKey root = ReadRoot(folder);
        Assert.True(TpmCertificate.TryRead(
            Part(folder, "key.pub"), Part(folder, "key.attest"), Part(folder, "key.sig"), root,
            out TpmCertificate? certificate));
        byte[] challenge = [.. Enumerable.Range(0xA0, 32).Select(i => (byte)i)];
        var evidence = (Pkcs11Evidence)signer.ReadEvidence(challenge) with { Certificate = certificate };
        byte[] bytes = KeyAttestation.Sign(signer, challenge, evidence);
        Assert.Equal(AttestationLevel.Proved, Level(bytes, challenge, root));
        Assert.Equal(AttestationLevel.Claimed, Level(bytes, challenge, signer.PublicKey));

        string file = Path.Combine(folder, "attestation");
        string digits = Convert.ToHexStringLower(challenge);
        Run("attest", machine.AddressOf(options), "--challenge", digits, "--tpm-certificate", folder, "--out", file);
        string roots = Directory.CreateDirectory(Path.Combine(folder, "roots")).FullName;
        File.Copy(Path.Combine(folder, "ak.pem"), Path.Combine(roots, "this-tpm.pem"));
        Run("verify-attestation", file, "--challenge", digits, "--roots", roots);

        using ISigner other = CreateSigner();
        Assert.Equal(AttestationLevel.Refused, Level(KeyAttestation.Sign(other, challenge, evidence), challenge, root));

        // The same public area, but for a key that may be duplicated: another name than the certified one.
        byte[] loose = certificate!.PublicArea.ToArray();
        loose[7] &= 0xFD;
        byte[] made = certificate.Statement.ToArray();
        made[^1] ^= 1;
        foreach (TpmCertificate lie in (TpmCertificate[])[
            certificate with { PublicArea = loose }, certificate with { Statement = made },
            certificate with { Statement = certificate.Statement[1..] }])
        {
            byte[] lied = KeyAttestation.Sign(signer, challenge, evidence with { Certificate = lie });
            Assert.Equal(AttestationLevel.Refused, Level(lied, challenge, root));
        }

        static byte[] Part(string folder, string name) => File.ReadAllBytes(Path.Combine(folder, name));

        static AttestationLevel Level(byte[] bytes, byte[] challenge, VerifyingKey root) =>
            KeyAttestation.TryDecode(bytes, out KeyAttestation? read)
                ? read!.Check(challenge, null, [root]).Level
                : AttestationLevel.Refused;
    }

    private static void Run(params string[] arguments)
    {
        using var output = new StringWriter();
        ParseResult parsed = new RootCommand { KeysCommand.Create(TimeProvider.System) }.Parse(["keys", .. arguments]);
        Assert.Empty(parsed.Errors);
        int code = parsed.Invoke(
            new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false });
        Assert.True(code == 0, output.ToString());
    }

    private static VerifyingKey ReadRoot(string folder) => PublicKeyText.TryParse(
        File.ReadAllText(Path.Combine(folder, "ak.pem")), SignatureAlgorithm.Es256, out VerifyingKey? key,
        out string problem)
        ? key!
        : throw new InvalidOperationException(problem);

    protected override ISigner CreateSigner() => Pkcs11Signer.Create(machine.NewKey(), TimeProvider.System);
}
