using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FedIoT.Faults.Tests.Links;

/// <summary>
/// A network interface of Linux whose other end is this process: what the kernel sends over it is read here, packet by
/// packet, and what is written here arrives at the kernel. Lives until disposed, also when moved to a namespace.
/// </summary>
internal sealed class TunDevice : IDisposable
{
    private const string DevicePath = "/dev/net/tun";
    private const int InterfaceRequestBytes = 40; // struct ifreq of 64-bit Linux
    private const int FlagsOffset = 16; // behind the name
    private const short Tun = 1;
    private const short NoPacketInformation = 0x1000;
    private const ulong SetInterface = 0x400454ca; // TUNSETIFF

    private readonly SafeFileHandle handle;

    private TunDevice(SafeFileHandle handle, string name) => (this.handle, Name) = (handle, name);

    /// <summary>Of the interface.</summary>
    public string Name { get; }

    /// <summary>Makes an interface in this process's network namespace.</summary>
    /// <param name="name">At most 15 characters.</param>
    /// <exception cref="IOException">There is no such device, or it may not be used.</exception>
    public static TunDevice Create(string name)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(DevicePath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }

        var request = new byte[InterfaceRequestBytes];
        Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(FlagsOffset), (short)(Tun | NoPacketInformation));
        if (Control(handle, SetInterface, request) != 0)
        {
            string problem = new Win32Exception(Marshal.GetLastPInvokeError()).Message;
            handle.Dispose();
            throw new IOException($"{DevicePath}: {problem}");
        }

        return new TunDevice(handle, name);
    }

    /// <summary>Waits for the next packet; 0 when the interface is gone.</summary>
    public int Read(byte[] buffer) => (int)Math.Max(Read(handle, buffer, (nuint)buffer.Length), 0);

    /// <summary>Gives a packet to the kernel. What it does not take (the interface is gone, or down) is lost.</summary>
    public void Write(ReadOnlySpan<byte> packet) =>
        _ = Write(handle, ref MemoryMarshal.GetReference(packet), (nuint)packet.Length);

    public void Dispose() => handle.Dispose();

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(SafeFileHandle file, ulong request, byte[] argument);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern nint Read(SafeFileHandle file, byte[] buffer, nuint length);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    private static extern nint Write(SafeFileHandle file, ref byte buffer, nuint length);
}
