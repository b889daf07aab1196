using FedIoT.Consensus;
using Xunit;

namespace FedIoT.Signing.Tests;

public sealed class KeyLockTests
{
    [Fact]
    public void Acquire_Twice_TheSecondSaysWhoHasIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "names of this kind exist on Linux");
        string name = $"test-{Environment.ProcessId}";
        using (KeyLock.Acquire(name, "The key"))
        {
            SignerException error = Assert.Throws<SignerException>(() => KeyLock.Acquire(name, "The key"));
            Assert.Equal(SignerFault.Busy, TokenException.FaultOf(error));
            Assert.StartsWith(
                $"The key is in use by process {Environment.ProcessId} on this machine", error.Message,
                StringComparison.Ordinal);
            KeyLock.Acquire(name + "-other", "Another key").Dispose();
        }

        KeyLock.Acquire(name, "The key").Dispose();
    }
}
