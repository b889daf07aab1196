using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>The loss -log(softmax(logits)[label]), mean over the batch, and its gradient.</summary>
internal static class SoftmaxCrossEntropy
{
    /// <summary>Replaces logits by the gradient of the mean loss; padding columns become 0.</summary>
    /// <param name="logits">labels.Length rows of <paramref name="stride"/> values.</param>
    /// <param name="stride">A multiple of <see cref="MatrixProduct.Lanes"/>, no less than the classes.</param>
    /// <param name="classes">Values of a row that count.</param>
    /// <param name="labels">Class of each row, below <paramref name="classes"/>.</param>
    /// <param name="wantLoss">False saves the logarithms and returns 0.</param>
    /// <returns>Sum (not mean) of the rows' losses.</returns>
    public static float Gradient(
        Span<float> logits, int stride, int classes, ReadOnlySpan<byte> labels, bool wantLoss)
    {
        float perSample = 1f / labels.Length;
        float loss = 0f;
        for (int sample = 0; sample < labels.Length; sample++)
        {
            Span<float> row = logits.Slice(sample * stride, stride);
            int label = labels[sample];
            float margin = row[label];
            float max = row[0];
            for (int i = 1; i < classes; i++)
            {
                max = row[i] > max ? row[i] : max;
            }

            var shift = new Vector<float>(max);
            for (int i = 0; i < classes; i += Vector<float>.Count)
            {
                ElementaryFunctions.ExpOfNonPositive(new Vector<float>(row[i..]) - shift).CopyTo(row[i..]);
            }

            float sum = row[0];
            for (int i = 1; i < classes; i++)
            {
                sum += row[i];
            }

            float factor = perSample / sum;
            for (int i = 0; i < classes; i++)
            {
                row[i] *= factor;
            }

            row[label] -= perSample;
            row[classes..].Clear();
            if (wantLoss)
            {
                loss += ElementaryFunctions.Log(sum) - (margin - max);
            }
        }

        return loss;
    }
}
