using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Keys;

public sealed class SignerAddressTests
{
    [Fact]
    public void TryParse_Pkcs11_ReadsEveryField()
    {
        SignerAddress address = Parse("pkcs11:module=/usr/lib/x.so;token=my%3Btoken;key=node;pin-file=/etc/pin");
        Assert.Equal(
            ("/usr/lib/x.so", "my;token", "node", null, "file /etc/pin"),
            (address.Pkcs11!.ModulePath, address.Pkcs11.TokenLabel, address.Pkcs11.KeyLabel, address.Pkcs11.Slot,
                address.Pkcs11.Pin!.ToString()));
        Assert.Equal(7UL, Parse("pkcs11:module=m;slot=7;key=k;pin-env=P").Pkcs11!.Slot);
        Assert.Equal("credential p", Parse("pkcs11:module=m;slot=7;key=k;pin-credential=p").Pkcs11!.Pin!.ToString());
        Assert.Null(Parse("pkcs11:module=m;slot=7;key=k").Pkcs11!.Pin);
    }

    [Fact]
    public void TryParse_FileAndChip_AreRead()
    {
        Assert.Equal("/etc/a;b%c", Parse("file:/etc/a%3Bb%25c").FilePath);
        Assert.Null(Parse("file:k").Passphrase);
        Assert.Equal("file /p", Parse("file:k;passphrase-file=/p").Passphrase!.ToString());
        Assert.Equal("credential c", Parse("file:k;passphrase-credential=c").Passphrase!.ToString());
        Assert.Equal((1, 0x60, 0), Chip("atecc608:"));
        Assert.Equal((3, 0x35, 15), Chip("atecc608:bus=3;address=0x35;slot=15"));
    }

    [Theory]
    [InlineData("", "expected file:PATH")]
    [InlineData("node.key", "expected file:PATH")]
    [InlineData("file:", "expected file:PATH")]
    [InlineData("tpm:x", "expected file:PATH")]
    [InlineData("file:a%00b", "control character")]
    [InlineData("file:k;passphrase-file=a%1Bb", "control character")]
    [InlineData("pkcs11:module=m;key=k%0A;token=t", "'key' holds a control character")]
    [InlineData("file:;passphrase-file=p", "expected file:PATH")]
    [InlineData("file:k;passphrase=1234", "passphrase does not belong")]
    [InlineData("file:k;passphrase-env=A;passphrase-file=B", "not several")]
    [InlineData("file:k;pin-file=p", "'pin-file' is unknown")]
    [InlineData("pkcs11:token=t;key=k", "module=")]
    [InlineData("pkcs11:module=m;token=t", "key=")]
    [InlineData("pkcs11:module=m;key=k", "either token=")]
    [InlineData("pkcs11:module=m;key=k;token=t;slot=1", "either token=")]
    [InlineData("pkcs11:module=m;key=k;slot=one", "'one'")]
    [InlineData("pkcs11:module=m;key=k;token=t;pin=1234", "PIN does not belong")]
    [InlineData("pkcs11:module=m;key=k;token=t;pin-value=1234", "PIN does not belong")]
    [InlineData("pkcs11:module=m;key=k;token=t;1234", "lacks its '='")]
    [InlineData("1234", "expected file:PATH")]
    [InlineData("pkcs11:module=m;key=k;token=t;pin-env=A;pin-file=B", "not several")]
    [InlineData("pkcs11:module=m;key=k;token=t;color=red", "'color'")]
    [InlineData("pkcs11:module=m;module=n;key=k;token=t", "twice")]
    [InlineData("pkcs11:module=;key=k;token=t", "no value")]
    [InlineData("atecc608:bus=-1", "'-1'")]
    [InlineData("atecc608:slot=16", "from 0 to 15")]
    [InlineData("atecc608:address=0x78", "'0x78'")]
    [InlineData("atecc608:address=0xZZ", "'0xZZ'")]
    public void TryParse_SomethingElse_SaysWhatIsWrong(string text, string expected)
    {
        Assert.False(SignerAddress.TryParse(text, out SignerAddress? address, out string problem));
        Assert.Null(address);
        Assert.Contains(expected, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("1234", problem, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SignerFactory.Open(text, TimeProvider.System));
    }

    [Fact]
    public void TryParse_InAFolder_StartsRelativePathsThere()
    {
        Assert.True(SignerAddress.TryParse("file:keys/node.key", "/etc/fediot", out SignerAddress? file, out _));
        Assert.Equal("/etc/fediot/keys/node.key", file!.FilePath);
        Assert.True(SignerAddress.TryParse(
            "pkcs11:module=lib/m.so;token=t;key=k;pin-file=pin", "/etc/fediot", out SignerAddress? token, out _));
        Assert.Equal("/etc/fediot/lib/m.so", token!.Pkcs11!.ModulePath);
        Assert.Equal("file /etc/fediot/pin", token.Pkcs11.Pin!.ToString());
        Assert.True(SignerAddress.TryParse("pkcs11:module=m.so;token=t;key=k", "/etc", out token, out _));
        Assert.Equal("m.so", token!.Pkcs11!.ModulePath); // the system's folders
    }

    [Fact]
    public void Identity_OfOneKey_DoesNotDependOnItsPin()
    {
        Assert.Equal(
            "pkcs11:module=m;token=a%3Bb%25;key=k", Parse("pkcs11:key=k;token=a%3Bb%25;module=m;pin-env=P").Identity);
        Assert.Equal(Parse("atecc608:").Identity, Parse("atecc608:bus=1;address=0x60").Identity);
        Assert.NotEqual(Parse("pkcs11:module=m;slot=1;key=k").Identity, Parse("pkcs11:module=m;slot=2;key=k").Identity);
        Assert.Equal(Parse("file:/a%3Bb").Identity, "file:" + SignerAddress.OfFile("/a;b").FilePath);
    }

    [Fact]
    public void Factory_FileAndChip_MakeOnlyTheirAlgorithm()
    {
        Assert.Throws<ArgumentException>(
            () => SignerFactory.Create("file:/nowhere/k", SignatureAlgorithm.Es256, TimeProvider.System));
        Assert.Throws<ArgumentException>(
            () => SignerFactory.Create("atecc608:", SignatureAlgorithm.EdDsa, TimeProvider.System));
    }

    [Fact]
    public void Factory_BusThatDoesNotExist_IsATypedError()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && !File.Exists("/dev/i2c-251"), "needs Linux without I2C bus 251");
        var error = Assert.Throws<SignerException>(() => SignerFactory.Open("atecc608:bus=251", TimeProvider.System));
        Assert.Equal(SignerFault.Absent, TokenException.FaultOf(error));
    }

    private static (int, int, int) Chip(string text)
    {
        var chip = Parse(text).Atecc608!;
        return (chip.Bus, chip.Address, chip.Slot);
    }

    private static SignerAddress Parse(string text)
    {
        Assert.True(SignerAddress.TryParse(text, out SignerAddress? address, out string problem), problem);
        Assert.Equal(text, address!.ToString());
        return address;
    }
}
