import * as echarts from 'echarts'
import type { Panel } from './section.ts'

const WIDTH = 960
const PANEL_HEIGHT = 340
const COLUMNS = 2

/** Cost over size as one SVG, a panel each. Its ground is light and its own: it can be read on a dark page too. */
export function plot(panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / COLUMNS)
  const height = rows * PANEL_HEIGHT
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  const place = (i: number) => ({
    left: (i % COLUMNS) * (WIDTH / COLUMNS),
    top: Math.floor(i / COLUMNS) * PANEL_HEIGHT,
  })
  chart.setOption({
    animation: false,
    backgroundColor: '#f4f4f1',
    textStyle: { fontFamily: 'sans-serif', color: '#222' },
    title: panels.map((panel, i) => ({
      text: `${panel.title} (ns a decision)`,
      ...{ left: place(i).left + 60, top: place(i).top + 10 },
      textStyle: { fontSize: 14, color: '#222' },
    })),
    legend: panels.map((panel, i) => ({
      data: panel.series.map(({ name }) => nameIn(panel, name)),
      formatter: (name: string) => name.slice(panel.title.length + 1),
      ...{ left: place(i).left + 55, top: place(i).top + 34, width: WIDTH / COLUMNS - 75 },
      ...{ itemWidth: 14, itemHeight: 7, itemGap: 16, textStyle: { fontSize: 11, color: '#222' } },
    })),
    grid: panels.map((_, i) => ({
      ...{ left: place(i).left + 62, top: place(i).top + 92 },
      ...{ width: WIDTH / COLUMNS - 90, height: PANEL_HEIGHT - 142 },
    })),
    xAxis: panels.map(({ x, series }, gridIndex) => ({
      ...axis(series.flatMap(({ points }) => points.map(([size]) => size))),
      ...{ gridIndex, name: x, nameLocation: 'middle', nameGap: 24 },
    })),
    yAxis: panels.map(({ series }, gridIndex) => ({
      ...axis(series.flatMap(({ points }) => points.map(([, cost]) => cost))),
      gridIndex,
    })),
    series: panels.flatMap((panel, i) =>
      panel.series.map(({ name, points }, at) => ({
        type: 'line' as const,
        ...{ name: nameIn(panel, name), data: points, xAxisIndex: i, yAxisIndex: i, symbolSize: 5 },
        // Ours comes first.
        ...{ color: COLORS[at % COLORS.length], lineStyle: { width: at === 0 ? 3 : 1.5 } },
      })),
    ),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

const COLORS = ['#c2255c', '#1c6fb0', '#2b8a3e', '#b35900', '#6741d9', '#666666', '#0b7285']

/** A legend takes series by their names, which have to differ between panels. */
const nameIn = (panel: Panel, name: string) => `${panel.title}:${name}`

function axis(values: readonly number[]) {
  return {
    type: 'log' as const,
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
    axisLabel: { formatter: shortNumber, color: '#444' },
    splitLine: { lineStyle: { color: '#ddd' } },
  }
}

const shortNumber = (value: number) =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value)
