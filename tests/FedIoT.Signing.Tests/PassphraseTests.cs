using FedIoT.Consensus;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.Signing.Tests;

/// <summary>Key files with a passphrase: format, wrong passphrases, damage. A contract suite runs over them too.
/// </summary>
public sealed class PassphraseTests : SignerContract, IDisposable
{
    private const string Passphrase = "canary correct horse battery staple";

    // Seed 00 01 … 1f, salt and nonce 40 41 … 67, passphrase "fediot"; computed by other libraries (OpenSSL).
    private const string Golden =
        "46494f54454432500001000000000003404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
        + "606162636465666703a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8a704290ed2106bc5"
        + "cde8244e309c638cc5c05bb739c2ceafc7bff5737a95cfcb009e89d0b6b9a52e9f3cccbff17a163f";

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-passphrase-").FullName;
    private int created;

    public PassphraseTests() => WritePassphrase(Passphrase);

    private string SecretFile => Path.Combine(folder, "passphrase");

    private string KeyFile => Path.Combine(folder, "node.key");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Seal_GoldenInput_GivesTheGoldenBytes()
    {
        byte[] seed = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        byte[] saltAndNonce = [.. Enumerable.Range(0x40, 40).Select(i => (byte)i)];
        using Ed25519Signer signer = Ed25519Signer.FromSeed(seed);
        var content = new byte[136];
        Ed25519KeyFile.Seal("fediot"u8, saltAndNonce, seed, signer.PublicKey.Bytes, content);
        Assert.Equal(Golden, Convert.ToHexStringLower(content));
        File.WriteAllBytes(KeyFile, content);
        Tool.SetMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        WritePassphrase("fediot");
        using Ed25519Signer opened = Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile));
        Assert.Equal(signer.PublicKey, opened.PublicKey);
    }

    [Fact]
    public void Open_RightPassphrase_IsTheSameKeyAndTheFileHidesTheSeed()
    {
        using Ed25519Signer made = Ed25519Signer.Create(KeyFile, SecretSource.File(SecretFile));
        using Ed25519Signer opened = Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile));
        Assert.Equal(made.PublicKey, opened.PublicKey);
        Assert.Equal(made.PublicKey, Ed25519Signer.ReadPublicKey(KeyFile)); // needs no passphrase
        string plain = Path.Combine(folder, "plain.key");
        Ed25519Signer.Create(plain).Dispose();
        Assert.NotEqual(File.ReadAllBytes(KeyFile), File.ReadAllBytes(plain));
        var error = Assert.Throws<SignerException>(() => Ed25519Signer.Open(plain, SecretSource.File(SecretFile)));
        Assert.Contains("has no passphrase", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WrongOrNoPassphrase_SaysWhichAndLeaksNothing()
    {
        Ed25519Signer.Create(KeyFile, SecretSource.File(SecretFile)).Dispose();
        SignerException none = Assert.Throws<SignerException>(() => Ed25519Signer.Open(KeyFile));
        Assert.Equal(SignerFault.PinMissing, TokenException.FaultOf(none));
        Assert.Contains("passphrase-file=", none.Message, StringComparison.Ordinal);
        WritePassphrase("canary wrong");
        SignerException wrong = Assert.Throws<SignerException>(
            () => Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile)));
        Assert.Equal(SignerFault.PinRefused, TokenException.FaultOf(wrong));
        Assert.DoesNotContain("canary", none.ToString() + wrong, StringComparison.Ordinal);
        Tool.SetMode(SecretFile, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        SignerException open = Assert.Throws<SignerException>(
            () => Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile)));
        Assert.Equal(SignerFault.PinMissing, TokenException.FaultOf(open));
    }

    [Fact]
    public void Open_AnyDamagedByte_IsRefused()
    {
        Ed25519Signer.Create(KeyFile, SecretSource.File(SecretFile)).Dispose();
        byte[] good = File.ReadAllBytes(KeyFile);
        for (int i = 0; i < good.Length; i += 9) // each part of the file; a try costs a tenth of a second
        {
            byte[] bad = [.. good];
            bad[i] ^= 1;
            File.WriteAllBytes(KeyFile, bad);
            Assert.Throws<SignerException>(() => Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile)));
        }

        byte[] greedy = [.. good];
        greedy[8] = 0x7F; // two terabytes of memory
        File.WriteAllBytes(KeyFile, greedy);
        Assert.Throws<SignerException>(() => Ed25519Signer.Open(KeyFile, SecretSource.File(SecretFile)));
        File.WriteAllBytes(KeyFile, good[..^1]);
        Assert.Throws<SignerException>(() => Ed25519Signer.ReadPublicKey(KeyFile));
    }

    [Fact]
    public void Factory_AddressWithAPassphrase_OpensTheFileAndAPersonIsAskedOtherwise()
    {
        string address = $"file:{KeyFile};passphrase-file={SecretFile}";
        using ISigner made = SignerFactory.Create(address, algorithm: null, TimeProvider.System);
        using ISigner opened = SignerFactory.Open(address, TimeProvider.System);
        Assert.Equal(made.PublicKey, opened.PublicKey);
        int asked = 0;
        var person = SecretSource.Person("the terminal", () =>
        {
            asked++;
            return System.Text.Encoding.UTF8.GetBytes(Passphrase);
        });
        using ISigner byHand = SignerFactory.Open(SignerAddress.OfFile(KeyFile), TimeProvider.System, person);
        Assert.Equal((made.PublicKey, 1), (byHand.PublicKey, asked));
        var nobody = SecretSource.Person("the terminal", () => []);
        SignerException error = Assert.Throws<SignerException>(
            () => SignerFactory.Open(SignerAddress.OfFile(KeyFile), TimeProvider.System, nobody));
        Assert.Equal(SignerFault.PinMissing, TokenException.FaultOf(error));
    }

    protected override bool HasAttestation => false;

    protected override ISigner CreateSigner() =>
        Ed25519Signer.Create(Path.Combine(folder, $"key-{created++}"), SecretSource.File(SecretFile));

    private void WritePassphrase(string passphrase)
    {
        File.WriteAllText(SecretFile, passphrase + "\n");
        Tool.SetMode(SecretFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
