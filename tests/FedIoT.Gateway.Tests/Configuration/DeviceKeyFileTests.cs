using FedIoT.Gateway.Configuration;
using Xunit;

namespace FedIoT.Gateway.Tests.Configuration;

public sealed class DeviceKeyFileTests
{
    [Fact]
    public void NewKey_IsForItsOwnerAndIsNeverReplaced()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("devices/pump-01.key");
        Assert.True(DeviceKeyFile.TryCreate(path));
        byte[]? key = DeviceKeyFile.Read(path, out _);
        Assert.Equal(32, key!.Length);
        Assert.False(DeviceKeyFile.TryCreate(path));
        Assert.Equal(key, DeviceKeyFile.Read(path, out _));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void KeyOpenToOthers_IsRefusedWithTheCommandThatHelps()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "file modes");
        using var folder = new TemporaryFolder();
        string path = folder.File("k");
        DeviceKeyFile.TryCreate(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        }

        Assert.Null(DeviceKeyFile.Read(path, out string problem));
        Assert.Contains("chmod 600", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0011")]
    [InlineData("zz00112233445566778899aabbccddeeff00112233445566778899aabbccddee")]
    public void SomethingElse_IsRefused(string content)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("k");
        DeviceKeyFile.TryCreate(path);
        File.WriteAllText(path, content);
        Assert.Null(DeviceKeyFile.Read(path, out string problem));
        Assert.Contains("not a device key", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingKey_NamesTheCommandThatMakesIt()
    {
        Assert.Null(DeviceKeyFile.Read("/nowhere/k", out string problem));
        Assert.Contains("fediot devices enrol", problem, StringComparison.Ordinal);
    }
}
