/** What the rows call by number: each paper's number, and where to find it. */
export const papers: Record<string, string> = {
  "000":
    "K. Jiang, “A Neural Network Framework Based on Symmetric Differential Equations”, ChinaXiv 202410.00055, 2024",
  "001":
    "K. Jiang, “A Neural Network Training Method Based on Neuron Connection Coefficient Adjustments”, arXiv 2502.10414, 2025",
  "002": "a review of paper 000, without an author, which lists what is missing there",
  "003":
    "K. Jiang and Z. Fu, “Backward Signal Propagation: A Symmetry-Based Training Method for Neural Networks”, Algorithms 18 (10), 594, 2025",
}
