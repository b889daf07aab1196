using System.Net.Sockets;
using System.Text;

namespace FedIoT.Gateway.Operate;

/// <summary>Tells the service manager where the daemon stands: sd_notify(3), a datagram to NOTIFY_SOCKET.</summary>
internal static class ServiceNotifier
{
    /// <summary>Sends one line such as <c>READY=1</c>; does nothing without a service manager.</summary>
    public static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path
            || path[0] is not ('/' or '@'))
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // "@" stands for the zero byte of an abstract name.
            socket.SendTo(
                Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // A gateway works without its service manager; the manager's own time limit tells the administrator.
        }
    }
}
