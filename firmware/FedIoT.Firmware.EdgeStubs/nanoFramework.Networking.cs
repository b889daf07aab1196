// Signatures of .NET nanoFramework's System.Device.Wifi 1.5, System.Net 1.11 and Networking.Sntp 1.6, as far as the
// device uses them. Never runs.

using System.Device.Wifi;
using System.Threading;

namespace nanoFramework.Networking
{
    public enum NetworkHelperStatus
    {
        None,
    }

    public static class WifiNetworkHelper
    {
        public static extern NetworkHelperStatus Status { get; }

        public static extern bool ConnectDhcp(
            string ssid,
            string password,
            WifiReconnectionKind reconnectionKind,
            bool requiresDateTime,
            int wifiAdapterId,
            CancellationToken token);

        public static extern bool Reconnect(bool requiresDateTime, int wifiAdapterId, CancellationToken token);
    }

    public class Sntp
    {
        public static extern bool IsStarted { get; }

        public static extern string Server1 { get; set; }

        public static extern void Start();
    }
}
