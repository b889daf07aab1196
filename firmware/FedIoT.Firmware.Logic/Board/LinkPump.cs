#nullable disable

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>
    /// Brings answers, time and the state of the connection to the node, which it locks: the thread that samples
    /// uses it too. Used by one thread.
    /// </summary>
    public sealed class LinkPump
    {
        private readonly SensorNode node;
        private readonly ILink link;

        /// <summary>Takes the parts.</summary>
        public LinkPump(SensorNode node, ILink link)
        {
            this.node = node;
            this.link = link;
        }

        /// <summary>Lets the node send what is due; true when a connection should be tried now.</summary>
        public bool Tick(int nowMs)
        {
            lock (node)
            {
                uint sequence;
                while (link.TryTakeAnswer(out sequence))
                {
                    node.OnAcknowledged(sequence);
                }

                if (node.IsConnected && !link.IsConnected)
                {
                    node.OnDisconnected(nowMs);
                }

                node.OnTick(nowMs);
                return !node.IsConnected && node.ConnectDelayMs(nowMs) == 0;
            }
        }

        /// <summary>The link is connected.</summary>
        public void OnConnected()
        {
            lock (node)
            {
                node.OnConnected();
            }
        }

        /// <summary>Connecting or sending failed.</summary>
        public void OnFailed(int nowMs)
        {
            lock (node)
            {
                node.OnDisconnected(nowMs);
            }
        }
    }
}
