using System;
using System.Device.Wifi;
using System.Threading;
using FedIoT.Firmware.Logic.Board;
using nanoFramework.Networking;

namespace FedIoT.Firmware.Device
{
    /// <summary>The wireless network.</summary>
    internal static class Network
    {
        private const int JoinMsMax = 60000;
        private static bool isStored;

        /// <summary>
        /// Waits for an address. The first call stores the network in flash, from where the firmware joins it again by
        /// itself; later calls only wait for that, and wear nothing out. A certificate is valid in a time, so TLS waits
        /// for the clock too.
        /// </summary>
        internal static void Join(DeviceConfiguration configuration)
        {
            bool needsTime = configuration.AuthorityPath.Length > 0;
            if (needsTime && !Sntp.IsStarted)
            {
                Sntp.Start();
            }

            using (CancellationTokenSource limit = new CancellationTokenSource(JoinMsMax))
            {
                bool isReady = isStored
                    ? WifiNetworkHelper.Reconnect(needsTime, 0, limit.Token)
                    : WifiNetworkHelper.ConnectDhcp(configuration.WifiSsid, configuration.WifiPassword,
                        WifiReconnectionKind.Automatic, needsTime, 0, limit.Token);
                isStored = true;
                if (!isReady)
                {
                    throw new InvalidOperationException("No network: " + ((int)WifiNetworkHelper.Status).ToString());
                }
            }
        }
    }
}
