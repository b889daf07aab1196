using System.Net.Sockets;
using FedIoT.Consensus;

namespace FedIoT.Signing;

/// <summary>
/// One process of this machine uses a key or a chip at a time. Held as the name of a socket that the system gives up
/// with the process; nothing stays behind on a disk.
/// </summary>
/// <remarks>
/// Processes in other network namespaces (containers) have names of their own and are not seen; two nodes with one key
/// that meet on the chain are found there by the evidence. Where there are no such names (not Linux) it locks nothing.
/// </remarks>
public sealed class KeyLock : IDisposable
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int PeerCredentials = 17; // SO_PEERCRED: process, user and group at the other end

    private readonly Socket? held;

    private KeyLock(Socket? held) => this.held = held;

    /// <summary>Takes the lock.</summary>
    /// <param name="name">What is locked: letters, digits and hyphens.</param>
    /// <param name="place">How messages name it.</param>
    /// <exception cref="SignerException">Another process has it; the message says which.</exception>
    public static KeyLock Acquire(string name, string place)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!OperatingSystem.IsLinux())
        {
            return new KeyLock(null);
        }

        var endPoint = new UnixDomainSocketEndPoint("\0fediot-" + name);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(1);
            return new KeyLock(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new TokenException(
                SignerFault.Busy, "lock the key",
                $"{place} is in use by {OwnerOf(endPoint)} on this machine. One process at a time signs with a key; "
                + "stop the other one first.", (ulong)e.ErrorCode, e).ToSignerException();
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => held?.Dispose();

    private static string OwnerOf(UnixDomainSocketEndPoint endPoint)
    {
        using var question = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Span<byte> credentials = stackalloc byte[12];
        try
        {
            question.Connect(endPoint);
            question.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
            return $"process {BitConverter.ToInt32(credentials)}";
        }
        catch (SocketException)
        {
            return "another process"; // it ended just now, or its queue is full
        }
    }
}
