using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Some columns of all rows, side by side in a block that stays near. Lanes of a vector are columns, so that order
/// statistics need no shuffling and take the same time whatever the values are.
/// </summary>
/// <typeparam name="TLane">Signed lanes wide enough for the values.</typeparam>
internal sealed class ColumnBlock<TLane>
    where TLane : unmanaged, IBinaryInteger<TLane>, IMinMaxValue<TLane>
{
    /// <summary>About L1: shorter rows would stay in it, longer ones are read faster from behind it.</summary>
    private const int BytesWanted = 1 << 16;

    /// <summary>Four of the widest vectors.</summary>
    private const int RowBytesMin = 256;
    private const int RowBytesMax = 512;

    /// <summary>
    /// A vector that crosses a line costs two accesses, and rows a multiple of 4096 bytes apart collide in the cache:
    /// blocks begin at a line, and rows are an odd number of lines apart.
    /// </summary>
    private const int LineBytes = AlignedArray.LineBytes;

    private readonly TLane[] values;
    private readonly int origin;

    /// <param name="rows">Rows of the block; they begin as the largest value.</param>
    public ColumnBlock(int rows)
    {
        int rowBytes = Math.Clamp(BytesWanted / rows, RowBytesMin, RowBytesMax) / RowBytesMin * RowBytesMin;
        Columns = rowBytes / Unsafe.SizeOf<TLane>();
        Pitch = (rowBytes + LineBytes) / Unsafe.SizeOf<TLane>();
        (values, origin) = AlignedArray.Create<TLane>(rows * Pitch);
        values.AsSpan().Fill(TLane.MaxValue);
    }

    /// <summary>A multiple of the lanes of four vectors of any width.</summary>
    public int Columns { get; }

    /// <summary>Lanes from one row to the next.</summary>
    public int Pitch { get; }

    public Span<TLane> Row(int row) => values.AsSpan(origin + (row * Pitch), Columns);

    /// <summary>Moves the wanted ranks of every column into their rows.</summary>
    public void Select(SelectionNetwork network)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Select<Lanes512<TLane>, Vector512<TLane>>(network.Groups);
        }
        else
        {
            Select<LanesNative<TLane>, Vector<TLane>>(network.Groups);
        }
    }

    /// <summary>
    /// target[i] = Σ of all rows - Σ of the rows far from i: fewer additions, as those are below half. The target has
    /// the same columns.
    /// </summary>
    public void Mix(int[][] far, ColumnBlock<TLane> target)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Mix<Lanes512<TLane>, Vector512<TLane>>(far, target);
        }
        else
        {
            Mix<LanesNative<TLane>, Vector<TLane>>(far, target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Select<TLanes, TVector>(SelectionNetwork.Group[] groups)
        where TLanes : ILanes<TVector, TLane>
        where TVector : struct
    {
        ref TLane start = ref MemoryMarshal.GetReference(Row(0));
        foreach (SelectionNetwork.Group group in groups)
        {
            ref TLane first = ref Unsafe.Add(ref start, group.First * Pitch);
            ref TLane second = ref Unsafe.Add(ref start, group.Second * Pitch);
            nuint stride = (nuint)(group.Stride * Pitch);
            switch (group.Order)
            {
                case SelectionNetwork.Order.None:
                    RowGroup<TLanes, TVector, TLane>.Sort(ref first, ref second, stride, Columns);
                    break;
                case SelectionNetwork.Order.Fours:
                    RowGroup<TLanes, TVector, TLane>.MergeFours(ref first, ref second, stride, Columns);
                    break;
                default:
                    RowGroup<TLanes, TVector, TLane>.MergeBitonic(ref first, ref second, stride, Columns);
                    break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix<TLanes, TVector>(int[][] far, ColumnBlock<TLane> target)
        where TLanes : ILanes<TVector, TLane>
        where TVector : struct
    {
        ref TLane start = ref MemoryMarshal.GetReference(Row(0));
        ref TLane output = ref MemoryMarshal.GetReference(target.Row(0));
        nuint step = (nuint)TLanes.Count;
        nuint pitch = (nuint)Pitch;
        for (nuint column = 0; column < (nuint)Columns; column += 4 * step)
        {
            ref TLane from0 = ref Unsafe.Add(ref start, column), from1 = ref Unsafe.Add(ref from0, step);
            ref TLane from2 = ref Unsafe.Add(ref from1, step), from3 = ref Unsafe.Add(ref from2, step);
            TVector total0 = TLanes.Load(ref from0, 0), total1 = TLanes.Load(ref from1, 0);
            TVector total2 = TLanes.Load(ref from2, 0), total3 = TLanes.Load(ref from3, 0);
            for (nuint i = 1, offset = pitch; i < (nuint)far.Length; i++, offset += pitch)
            {
                total0 = TLanes.Add(total0, TLanes.Load(ref from0, offset));
                total1 = TLanes.Add(total1, TLanes.Load(ref from1, offset));
                total2 = TLanes.Add(total2, TLanes.Load(ref from2, offset));
                total3 = TLanes.Add(total3, TLanes.Load(ref from3, offset));
            }

            ref TLane to = ref Unsafe.Add(ref output, column);
            foreach (int[] others in far)
            {
                TVector sum0 = total0, sum1 = total1, sum2 = total2, sum3 = total3;
                foreach (int other in others)
                {
                    nuint offset = unchecked((nuint)(uint)other * pitch); // inside the block
                    sum0 = TLanes.Subtract(sum0, TLanes.Load(ref from0, offset));
                    sum1 = TLanes.Subtract(sum1, TLanes.Load(ref from1, offset));
                    sum2 = TLanes.Subtract(sum2, TLanes.Load(ref from2, offset));
                    sum3 = TLanes.Subtract(sum3, TLanes.Load(ref from3, offset));
                }

                TLanes.Store(sum0, ref to, 0);
                TLanes.Store(sum1, ref to, step);
                TLanes.Store(sum2, ref to, 2 * step);
                TLanes.Store(sum3, ref to, 3 * step);
                to = ref Unsafe.Add(ref to, pitch);
            }
        }
    }
}
