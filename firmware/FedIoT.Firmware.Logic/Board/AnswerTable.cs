#nullable disable

using System;

namespace FedIoT.Firmware.Logic.Board
{
    /// <summary>
    /// Which frame a message id of the MQTT client stands for, and the frames that were answered. Ids come one after
    /// the other, so the table keeps the latest by their low bits: an id that was pushed out has no answer any more,
    /// and the node repeats its frame. Not thread-safe.
    /// </summary>
    public sealed class AnswerTable
    {
        /// <summary>Ids that are kept, far more than a node on a board has in flight.</summary>
        public const int Capacity = 32;

        private readonly ushort[] messageIds = new ushort[Capacity];
        private readonly uint[] sequences = new uint[Capacity];
        private readonly uint[] answers = new uint[Capacity];
        private int answerCount;

        /// <summary>Notes a frame that was handed to the client; id 0 is not one.</summary>
        public void OnSent(ushort messageId, uint sequence)
        {
            messageIds[messageId % Capacity] = messageId;
            sequences[messageId % Capacity] = sequence;
        }

        /// <summary>Notes an answer; one to an unknown id, or more than fit, are ignored.</summary>
        public void OnAnswered(ushort messageId)
        {
            int slot = messageId % Capacity;
            if (messageId != 0 && messageIds[slot] == messageId && answerCount < Capacity)
            {
                messageIds[slot] = 0;
                answers[answerCount] = sequences[slot];
                answerCount++;
            }
        }

        /// <summary>Takes the sequence of an answered frame; false when there is none.</summary>
        public bool TryTake(out uint sequence)
        {
            bool any = answerCount > 0;
            answerCount -= any ? 1 : 0;
            sequence = any ? answers[answerCount] : 0;
            return any;
        }

        /// <summary>Forgets the ids of a connection that is over; answers that came stay.</summary>
        public void OnDisconnected()
        {
            Array.Clear(messageIds, 0, Capacity);
        }
    }
}
